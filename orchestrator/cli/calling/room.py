"""How does the caller get into the room, with a voice and an ear?"""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from livekit import rtc

from orchestrator.cli.calling.hearing import Ear
from orchestrator.cli.calling.microphone import Voice
from orchestrator.cli.calling.sound import RATE
from sessions.rooms import AGENT_IDENTITY


class Seat:
    """The caller's place in the room."""

    def __init__(self, ear: Ear, voice: Voice) -> None:
        self.gone = asyncio.Event()
        self._ear = ear
        self._voice = voice
        self._room = rtc.Room()
        self._tasks: set[asyncio.Task[None]] = set()
        self._joined_at = 0.0

    @property
    def now(self) -> float:
        """Return the seconds since the room was joined."""
        return asyncio.get_running_loop().time() - self._joined_at

    async def take(self, url: str, token: str) -> None:
        """Join the room; raises ``rtc.ConnectError`` if that cannot be."""
        self._room.on("track_subscribed", self._on_track)
        self._room.on("disconnected", lambda _reason: self.gone.set())
        self._joined_at = asyncio.get_running_loop().time()
        await self._room.connect(url, token, rtc.RoomOptions(connect_timeout=10))
        source = await self._voice.open()
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self._room.local_participant.publish_track(track, options)
        self._spawn(self._voice.run())

    async def leave(self) -> None:
        """Leave the room."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._voice.close()
        await self._room.disconnect()

    def _on_track(self, track: rtc.Track, _publication: Any, who: rtc.RemoteParticipant) -> None:
        if who.identity == AGENT_IDENTITY and track.kind == rtc.TrackKind.KIND_AUDIO:
            self._spawn(self._listen(track))
            self._spawn(self._voice.play(track))

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16)
                self._ear.hear(track.sid, samples, self.now)
        finally:
            await stream.aclose()

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
