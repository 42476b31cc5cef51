"""Where may a long recording be cut, so that no word is?

The model takes 30 seconds, but what follows a long pause in them it takes for the end; and a short
window lets others have their turn sooner.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from inference.sound import RATE, Floats

_SHORTEST: Final = 8 * RATE
_LONGEST: Final = 20 * RATE
_STEP: Final = RATE // 50
_PAUSE_STEPS: Final = 15  # A third of a second: between sentences, and seldom inside one.


def windows(samples: Floats) -> Iterator[tuple[int, int]]:
    """Yield where each window begins and ends; one alone where that is short enough."""
    start = 0
    while len(samples) - start > _LONGEST:
        end = start + _quietest(samples[start : start + _LONGEST])
        yield start, end
        start = end
    yield start, len(samples)


def _quietest(samples: Floats) -> int:
    """Return the middle of the quietest pause after the shortest window."""
    steps = np.square(samples[_SHORTEST:]).reshape(-1, _STEP).mean(1)
    pauses = np.convolve(steps, np.ones(_PAUSE_STEPS, np.float32), "valid")
    return _SHORTEST + (int(np.argmin(pauses)) + _PAUSE_STEPS // 2) * _STEP
