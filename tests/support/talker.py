"""Who is on the line with an agent? Somebody who speaks, and keeps what they hear.

Moments are those of the monotonic clock.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tests.support.hearing import Hearing
from tests.support.microphone import Said
from tests.support.speech import Samples

T = TypeVar("T")

_LOOK_SECONDS = 0.02


@dataclass
class Talker(ABC):
    """Somebody on the line, by whatever way they came."""

    hearing: Hearing = field(default_factory=Hearing, kw_only=True)
    spoken_to: asyncio.Event = field(default_factory=asyncio.Event, kw_only=True)

    @abstractmethod
    async def say(self, speech: Samples) -> Said:
        """Say something to its end."""

    @property
    def heard(self) -> NDArray[np.float32]:
        """Return all that was heard, 24 kHz mono, in -1..1."""
        return self.hearing.samples

    @property
    def last_loud(self) -> float:
        """Return when something was heard last."""
        return self.hearing.loud[-1] if self.hearing.loud else 0.0

    @property
    def seconds_of_speech(self) -> float:
        """Return how long somebody was speaking, in seconds."""
        return self.hearing.seconds_of_speech

    async def wait_for_speech(self, within: float = 40.0) -> None:
        """Wait until somebody has spoken."""
        await asyncio.wait_for(self.spoken_to.wait(), within)

    async def wait_for_quiet(self, pause: float = 1.0, within: float = 60.0) -> None:
        """Wait until whoever was speaking has been silent for ``pause`` seconds."""
        deadline = time.monotonic() + within
        await self.wait_for_speech(within)
        while time.monotonic() - self.last_loud < pause:
            assert time.monotonic() < deadline, "the agent never stopped speaking"
            await asyncio.sleep(0.05)

    async def hears_after(self, moment: float, within: float = 40.0) -> float:
        """Wait until somebody speaks after ``moment``; return when that was first heard."""
        return await self._until(
            lambda: self.hearing.first_after(moment), within, "the agent speaks"
        )

    async def hears_silence_after(
        self, moment: float, pause: float = 0.6, within: float = 60.0
    ) -> float:
        """Wait for a pause after ``moment``; return when the last sound before it was heard."""
        return await self._until(
            lambda: self.hearing.last_before_a_pause(moment, pause, time.monotonic()),
            within,
            "the agent falls silent",
        )

    async def hears_answer_to(self, said: Said, pause: float = 1.0) -> Samples:
        """Wait for somebody to answer, to their end, and return what they said."""
        began = await self.hears_after(said.ended)
        ended = await self.hears_silence_after(began, pause)
        return self.hearing.between(began - 0.2, ended + 0.2)

    async def stay(self, seconds: float) -> None:
        """Stay on the line, to see that nothing happens."""
        await asyncio.sleep(seconds)

    def hear(self, samples: Samples) -> None:
        """Take in what has just come, 24 kHz mono."""
        if self.hearing.hear(samples, time.monotonic()):
            self.spoken_to.set()

    async def _until(self, find: Callable[[], T | None], within: float, what: str) -> T:
        deadline = time.monotonic() + within
        while (found := find()) is None:
            assert time.monotonic() < deadline, f"Not within {within:g} s: {what}"
            await asyncio.sleep(_LOOK_SECONDS)
        return found
