"""When did the agent speak, when did it fall silent, and what did it say?"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.support.speech import RATE, Samples, is_loud

_WINDOW = RATE // 50


@dataclass
class Hearing:
    """All that was heard, and when it came, on the monotonic clock."""

    frames: list[Samples] = field(default_factory=list[Samples])
    arrivals: list[float] = field(default_factory=list[float])
    loud: list[float] = field(default_factory=list[float])

    def hear(self, samples: Samples, now: float) -> bool:
        """Take in what has just come; tell whether it is loud."""
        self.frames.append(samples)
        self.arrivals.append(now)
        loud = bool(is_loud(samples).any())
        if loud:
            self.loud.append(now)
        return loud

    def between(self, start: float, end: float = float("inf")) -> Samples:
        """Return what came from ``start`` to ``end``."""
        found = zip(self.frames, self.arrivals, strict=True)
        chosen = [samples for samples, at in found if start <= at < end]
        return np.concatenate([np.zeros(0, np.int16), *chosen])

    def first_after(self, moment: float) -> float | None:
        """Return when something was first heard after ``moment``, if anything was."""
        after = self.loud[bisect_right(self.loud, moment) :][:1]
        return after[0] if after else None

    def last_before_a_pause(self, moment: float, pause: float, now: float) -> float | None:
        """Return the last loud moment before the first pause after ``moment``, if one has been.

        What was heard up to ``moment`` counts: somebody may have stopped just then.
        """
        split = bisect_right(self.loud, moment)
        last = self.loud[split - 1] if split else moment
        for at in [*self.loud[split:], now]:
            if at - max(last, moment) >= pause:
                return last
            last = at
        return None

    @property
    def samples(self) -> NDArray[np.float32]:
        """Return all that was heard, in -1..1."""
        return self.between(0.0).astype(np.float32) / np.float32(32768)

    @property
    def seconds_of_speech(self) -> float:
        """Return how long somebody was speaking, in seconds, by 20 ms windows."""
        heard = self.between(0.0)
        windows = heard[: heard.size // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
        return float(is_loud(windows).any(axis=1).sum()) * _WINDOW / RATE
