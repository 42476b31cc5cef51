"""Who calls? A participant that joins like any client, speaks, and keeps what it hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from livekit import rtc

from tests.support.microphone import Microphone, Said
from tests.support.speech import RATE, Samples
from tests.support.talker import Talker

__all__ = ["RATE", "Caller", "calling"]


@dataclass
class Caller(Talker):
    """A caller in a room."""

    room: rtc.Room
    microphone: Microphone | None = None

    async def say(self, speech: Samples) -> Said:
        """Say something to its end."""
        assert self.microphone is not None, "This caller was made without a microphone."
        return await self.microphone.say(speech)

    async def listen(self, track: rtc.Track) -> None:
        """Keep what is heard of ``track`` until it ends."""
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        try:
            async for event in stream:
                self.hear(np.frombuffer(event.frame.data, np.int16))
        finally:
            await stream.aclose()


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
