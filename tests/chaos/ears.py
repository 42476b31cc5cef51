"""When does a caller hear the agent, and from which of its tracks?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import numpy as np
from livekit import rtc

from tests.support.speech import is_loud

_RATE = 8000
_FRAME_MS = 50


@dataclass
class Voice:
    """One track of an agent; every agent of a session brings its own. Moments are Unix time."""

    began: float
    first_loud: float | None = None
    last_loud: float | None = None
    ended: float | None = None


@dataclass
class Ears:
    """All voices that one caller has heard."""

    voices: list[Voice] = field(default_factory=list[Voice])
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])

    def attach(self, room: rtc.Room) -> None:
        """Hear what is played in a room."""
        room.on("track_subscribed", self._on_track)
        room.on("track_unsubscribed", self._on_track_over)

    async def close(self) -> None:
        """Stop listening."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def heard_after(self, moment: float) -> float | None:
        """Return when an agent that came after ``moment`` was first heard."""
        heard = [v.first_loud for v in self.voices if v.began > moment and v.first_loud]
        return min(heard, default=None)

    @property
    def last_loud(self) -> float:
        """Return when anything was heard last."""
        return max((voice.last_loud or 0.0 for voice in self.voices), default=0.0)

    def voice_after(self, moment: float) -> Voice | None:
        """Return the first voice that came after ``moment``."""
        return next((voice for voice in self.voices if voice.began > moment), None)

    def silence_before(self, voice: Voice) -> float:
        """Return for how long no agent was in the room before this one came."""
        earlier = [v.ended or v.last_loud or v.began for v in self.voices if v.began < voice.began]
        return max(0.0, voice.began - max(earlier, default=voice.began))

    def _on_track(self, track: rtc.Track, *_: object) -> None:
        voice = Voice(time.time())
        self.voices.append(voice)
        self._tasks[track.sid] = asyncio.create_task(self._listen(track, voice))

    def _on_track_over(self, track: rtc.Track, *_: object) -> None:
        if (task := self._tasks.pop(track.sid, None)) is not None:
            task.cancel()

    async def _listen(self, track: rtc.Track, voice: Voice) -> None:
        stream = rtc.AudioStream(track, sample_rate=_RATE, num_channels=1, frame_size_ms=_FRAME_MS)
        try:
            async for event in stream:
                if is_loud(np.frombuffer(event.frame.data, np.int16)).any():
                    voice.last_loud = time.time()
                    voice.first_loud = voice.first_loud or voice.last_loud
        finally:
            voice.ended = time.time()
            await stream.aclose()
