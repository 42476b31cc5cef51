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

    def wait_for_speech(self, since: int = 0, within: float = 20.0) -> None:
        """Wait until somebody speaks after a position."""
        eventually(lambda: self._speech(since), within, "something is heard", _LOOK_SECONDS)

    def wait_for_words(
        self, inference_url: str, since: int = 0, pause: float = 1.0, within: float = 30.0
    ) -> str:
        """Wait until somebody has spoken after a position and is silent; return the words."""

        def to_its_end() -> tuple[int, int] | None:
            found = self._speech(since)
            return found[:2] if found and found[2] - found[1] >= pause * RATE else None

        spoken = eventually(to_its_end, within, "something is heard, to its end", _LOOK_SECONDS)
        assert spoken is not None
        return understood(inference_url, self._samples(*spoken))

    def _speech(self, since: int) -> tuple[int, int, int] | None:
        found = self.page.evaluate("since => testEars.speech(since)", since)
        return tuple(found) if found else None

    def _samples(self, start: int, end: int) -> Samples:
        text = self.page.evaluate("([from, to]) => testEars.samples(from, to)", [start, end])
        return np.frombuffer(base64.b64decode(text), np.int16)
