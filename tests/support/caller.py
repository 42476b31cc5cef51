"""Who calls? A participant that joins like any client, and keeps what it hears to measure it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from livekit import rtc
from numpy.typing import NDArray

RATE = 24_000
LOUD = 500
"""Samples above this are speech; the codec's noise floor is far below."""


@dataclass
class Caller:
    """A caller in a room; ``heard`` is 24 kHz mono."""

    room: rtc.Room
    frames: list[NDArray[np.int16]] = field(default_factory=list[NDArray[np.int16]])
    spoken_to: asyncio.Event = field(default_factory=asyncio.Event)
    last_loud: float = 0.0

    @property
    def heard(self) -> NDArray[np.float32]:
        """Return all that was heard, in -1..1."""
        if not self.frames:
            return np.zeros(0, np.float32)
        return np.concatenate(self.frames).astype(np.float32) / np.float32(32768)

    @property
    def seconds_of_speech(self) -> float:
        """Return how long somebody was speaking, in seconds, by 20 ms windows."""
        heard = self.heard
        windows = heard[: heard.size // 480 * 480].reshape(-1, 480)
        return float((np.abs(windows).max(axis=1, initial=0) > LOUD / 32768).sum()) * 0.02

    async def wait_for_speech(self, within: float = 20.0) -> None:
        """Wait until somebody speaks."""
        await asyncio.wait_for(self.spoken_to.wait(), within)

    async def wait_for_quiet(self, pause: float = 1.0, within: float = 30.0) -> None:
        """Wait until whoever was speaking has been silent for ``pause`` seconds."""
        deadline = time.monotonic() + within
        await self.wait_for_speech(within)
        while time.monotonic() - self.last_loud < pause:
            assert time.monotonic() < deadline, "the agent never stopped speaking"
            await asyncio.sleep(0.05)

    async def stay(self, seconds: float) -> None:
        """Stay on the line, to see that nothing happens."""
        await asyncio.sleep(seconds)

    async def listen(self, track: rtc.Track) -> None:
        """Keep what is heard of ``track`` until it ends."""
        async for event in rtc.AudioStream(track, sample_rate=RATE, num_channels=1):
            samples = np.frombuffer(event.frame.data, np.int16)
            self.frames.append(samples)
            if np.abs(samples).max(initial=0) > LOUD:
                self.last_loud = time.monotonic()
                self.spoken_to.set()


@asynccontextmanager
async def calling(started: dict[str, Any]) -> AsyncIterator[Caller]:
    """Join the room of a started session as its caller; leave it at the end."""
    room = rtc.Room()
    caller = Caller(room)
    listening: set[asyncio.Task[None]] = set()

    def on_track(track: rtc.Track, *_: object) -> None:
        listening.add(asyncio.create_task(caller.listen(track)))

    room.on("track_subscribed", on_track)
    await room.connect(started["serverUrl"], started["token"])
    try:
        yield caller
    finally:
        await room.disconnect()
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
