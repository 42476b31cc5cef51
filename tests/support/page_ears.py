"""What does somebody hear who sits before a page?"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

from tests.support.eventually import eventually
from tests.support.speech import RATE, Samples, is_loud, understood

SCRIPT = Path(__file__).with_suffix(".js")
_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class PageEars:
    """Keeps what the page's connections bring. A position is a number of samples."""

    page: Page

    @property
    def position(self) -> int:
        """Return how much has been kept."""
        return self.page.evaluate("testEars.position()")

    def since(self, position: int = 0) -> Samples:
        """Return what was kept after a position."""
        text = self.page.evaluate("position => testEars.since(position)", position)
        return np.frombuffer(base64.b64decode(text), np.int16)

    def wait_for_speech(self, since: int = 0, within: float = 20.0) -> None:
        """Wait until somebody speaks after a position."""
        eventually(lambda: _speech(self.since(since)), within, "something is heard", _LOOK_SECONDS)

    def wait_for_words(
        self, inference_url: str, since: int = 0, pause: float = 1.0, within: float = 30.0
    ) -> str:
        """Wait until somebody has spoken after a position and is silent; return the words."""
        spoken = eventually(
            lambda: _until_a_pause(self.since(since), pause),
            within,
            "something is heard, to its end",
            _LOOK_SECONDS,
        )
        assert spoken is not None
        return understood(inference_url, spoken[0])


def _speech(samples: Samples) -> bool:
    # A click is not speech.
    return bool(is_loud(samples).sum() > RATE // 50)


def _until_a_pause(samples: Samples, pause: float) -> tuple[Samples] | None:
    loud = np.flatnonzero(is_loud(samples))
    if not _speech(samples) or samples.size - loud[-1] < pause * RATE:
        return None
    return (samples[max(0, loud[0] - RATE // 5) : loud[-1] + RATE // 5],)
