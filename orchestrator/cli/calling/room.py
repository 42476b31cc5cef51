"""How does the caller get into the room, with a voice and an ear but no sound card?"""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from livekit import rtc

from orchestrator.cli.calling.hearing import Ear
from orchestrator.cli.calling.sound import RATE, Samples
from sessions.rooms import AGENT_IDENTITY

_FRAME = RATE // 100
_QUEUE_MS = 100


class Microphone:
    """A track that carries silence, and now and then what is said."""

    def __init__(self) -> None:
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=_QUEUE_MS)
        self._speech = np.zeros(0, np.int16)
        self._said = asyncio.Event()

    async def publish(self, room: rtc.Room) -> None:
        """Publish the track."""
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await room.local_participant.publish_track(track, options)

    async def say(self, speech: Samples) -> None:
        """Say something to its end."""
        self._said.clear()
        self._speech = speech
        await self._said.wait()

    async def run(self) -> None:
        """Send what there is to send, for as long as the call lasts."""
        while True:
            samples, self._speech = self._speech[:_FRAME], self._speech[_FRAME:]
            frame = np.zeros(_FRAME, np.int16)
            frame[: samples.size] = samples
            # Waits while the queue is full, which keeps the pace of speech.
            await self._source.capture_frame(rtc.AudioFrame(frame.tobytes(), RATE, 1, _FRAME))
            if not self._speech.size:
                self._said.set()


class Seat:
    """The caller's place in the room."""

    def __init__(self, ear: Ear) -> None:
        self.microphone = Microphone()
        self.gone = asyncio.Event()
        self._ear = ear
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
        await self.microphone.publish(self._room)
        self._spawn(self.microphone.run())

    async def leave(self) -> None:
        """Leave the room."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._room.disconnect()

    def _on_track(self, track: rtc.Track, _publication: Any, who: rtc.RemoteParticipant) -> None:
        if who.identity == AGENT_IDENTITY and track.kind == rtc.TrackKind.KIND_AUDIO:
            self._spawn(self._listen(track))

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
