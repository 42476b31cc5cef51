"""Who calls? A participant that joins like any client, speaks, and keeps what it hears."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from livekit import rtc
from numpy.typing import NDArray

from tests.support.hearing import Hearing
from tests.support.microphone import Microphone, Said
from tests.support.speech import RATE, Samples

__all__ = ["RATE", "Caller", "calling"]

T = TypeVar("T")

_LOOK_SECONDS = 0.02


@dataclass
class Caller:
    """A caller in a room. Moments are those of the monotonic clock."""

    room: rtc.Room
    microphone: Microphone | None = None
    hearing: Hearing = field(default_factory=Hearing)
    spoken_to: asyncio.Event = field(default_factory=asyncio.Event)

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

    async def say(self, speech: Samples) -> Said:
        """Say something to its end."""
        assert self.microphone is not None, "This caller was made without a microphone."
        return await self.microphone.say(speech)

    async def wait_for_speech(self, within: float = 20.0) -> None:
        """Wait until somebody has spoken."""
        await asyncio.wait_for(self.spoken_to.wait(), within)

    async def wait_for_quiet(self, pause: float = 1.0, within: float = 30.0) -> None:
        """Wait until whoever was speaking has been silent for ``pause`` seconds."""
        deadline = time.monotonic() + within
        await self.wait_for_speech(within)
        while time.monotonic() - self.last_loud < pause:
            assert time.monotonic() < deadline, "the agent never stopped speaking"
            await asyncio.sleep(0.05)

    async def hears_after(self, moment: float, within: float = 20.0) -> float:
        """Wait until somebody speaks after ``moment``; return when that was first heard."""
        return await self._until(
            lambda: self.hearing.first_after(moment), within, "the agent speaks"
        )

    async def hears_silence_after(
        self, moment: float, pause: float = 0.6, within: float = 30.0
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

    async def listen(self, track: rtc.Track) -> None:
        """Keep what is heard of ``track`` until it ends."""
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        try:
            async for event in stream:
                if self.hearing.hear(np.frombuffer(event.frame.data, np.int16), time.monotonic()):
                    self.spoken_to.set()
        finally:
            await stream.aclose()

    async def _until(self, find: Callable[[], T | None], within: float, what: str) -> T:
        deadline = time.monotonic() + within
        while (found := find()) is None:
            assert time.monotonic() < deadline, f"Not within {within:g} s: {what}"
            await asyncio.sleep(_LOOK_SECONDS)
        return found


@asynccontextmanager
async def calling(
    started: dict[str, Any], *, with_microphone: bool = False
) -> AsyncIterator[Caller]:
    """Join the room of a started session as its caller; leave it at the end."""
    room = rtc.Room()
    caller = Caller(room, Microphone() if with_microphone else None)
    tasks: set[asyncio.Task[None]] = set()

    def on_track(track: rtc.Track, *_: object) -> None:
        tasks.add(asyncio.create_task(caller.listen(track)))

    room.on("track_subscribed", on_track)
    await room.connect(started["serverUrl"], started["token"])
    try:
        if caller.microphone is not None:
            await caller.microphone.publish(room)
            tasks.add(asyncio.create_task(caller.microphone.run()))
        yield caller
    finally:
        await room.disconnect()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if caller.microphone is not None:
            await caller.microphone.close()
