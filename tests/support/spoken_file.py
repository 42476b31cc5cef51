"""What does a browser's microphone hear? What is in a file when a page begins to listen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.support.speech import RATE, spoken, wav_of

_PAUSE_SECONDS = 10.0
"""Long enough for an answer of a busy machine, shorter than agents wait for silent callers."""


@dataclass(frozen=True)
class SpokenFile:
    """The microphone of every page of a browser; what it says can change from page to page."""

    path: Path

    def is_quiet(self) -> None:
        """Say nothing."""
        self._write(np.zeros(RATE, np.int16))

    def says(
        self,
        inference_url: str,
        text: str,
        *,
        after: float = 0.5,
        pause: float = _PAUSE_SECONDS,
        voice: str = "Ashley",
    ) -> float:
        """Say ``text`` to whoever listens next, after so many seconds, again and again.

        Who is connected too late hears it the next time. Returns after how many seconds that is.
        """
        said = spoken(inference_url, text, voice)
        first, rest = _silence(after), _silence(max(0.0, pause - after))
        self._write(np.concatenate([first, said, rest]))
        return (first.size + said.size + rest.size) / RATE

    def _write(self, samples: np.ndarray) -> None:
        # Not in place: a page may be reading.
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(wav_of(samples))
        fresh.replace(self.path)


def _silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.int16)
