"""What does a browser's microphone hear? What is in a file when a page begins to listen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.support.speech import RATE, spoken, wav_of

_QUIET_SECONDS = 60.0
"""The browser plays the file again and again; this is longer than any test."""


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
        *texts: str,
        after: float = 2.0,
        between: float = _QUIET_SECONDS,
        voice: str = "Ashley",
    ) -> None:
        """Say ``texts`` to whoever listens next, ``after`` so many seconds of listening.

        They are heard one after the other, and then from the start, ``between`` seconds apart.
        """
        parts = [_silence(after)]
        for text in texts:
            parts += [spoken(inference_url, text, voice), _silence(between)]
        self._write(np.concatenate(parts))

    def _write(self, samples: np.ndarray) -> None:
        # Not in place: a page may be reading.
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(wav_of(samples))
        fresh.replace(self.path)


def _silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.int16)
