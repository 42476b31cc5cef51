"""What does somebody hear who sits before a page?"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

from tests.support.eventually import eventually
from tests.support.speech import RATE, Samples, understood

SCRIPT = Path(__file__).with_suffix(".js")
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class PageEars:
    """Keeps what the page's connections bring. A position is a number of samples."""

    page: Page

    @property
    def position(self) -> int:
        """Return how much has been kept."""
        return self.page.evaluate("testEars.position()")

    def wait_until(self, position: float, within: float = 40.0) -> None:
        """Wait until so much has been heard, be it silence: its clock is that of the call."""
        eventually(lambda: self.position >= position, within, "time goes by", _LOOK_SECONDS)

    def wait_for_speech(self, since: int = 0, within: float = 40.0) -> None:
        """Wait until somebody speaks after a position."""
        eventually(lambda: self._speech(since), within, "something is heard", _LOOK_SECONDS)

    def wait_for_words(self, inference_url: str, words: str, since: int = 0) -> str:
        """Wait until ``words`` have been heard after a position; return all that was heard."""
        tried, heard = 0, ""

        def hears() -> bool:
            nonlocal tried, heard
            start, end, now = self._speech(since) or (0, 0, 0)
            # With each second of speech, and with what is left when there is a pause.
            if end == tried or (end - tried < RATE and now - end < RATE // 2):
                return False
            tried = end
            heard = understood(inference_url, self._samples(start, end))
            return words in heard

        try:
            eventually(hears, 60, f"'{words}' is heard", _LOOK_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error} Heard: {heard!r}") from None
        return heard

    def _speech(self, since: int) -> tuple[int, int, int] | None:
        found = self.page.evaluate("since => testEars.speech(since)", since)
        return tuple(found) if found else None

    def _samples(self, start: int, end: int) -> Samples:
        text = self.page.evaluate("([from, to]) => testEars.samples(from, to)", [start, end])
        return np.frombuffer(base64.b64decode(text), np.int16)
