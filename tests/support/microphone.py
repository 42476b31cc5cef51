"""How does a caller speak, and when exactly was their last word sent?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import numpy as np
from livekit import rtc

from tests.support.speech import RATE, Samples

_FRAME = RATE // 50
_QUEUE_MS = 100


@dataclass(frozen=True)
class Said:
    """When the first and the last sample were sent, on the monotonic clock."""

    began: float
    ended: float


@dataclass(frozen=True)
class _Utterance:
    samples: Samples
    done: asyncio.Future[Said]


class Microphone:
    """A track that carries silence, and now and then what is said."""

    def __init__(self) -> None:
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=_QUEUE_MS)
        self._waiting: asyncio.Queue[_Utterance] = asyncio.Queue()

    async def publish(self, room: rtc.Room) -> None:
        """Publish the track; agents hear only what comes from a microphone."""
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await room.local_participant.publish_track(track, options)

    async def say(self, samples: Samples) -> Said:
        """Say something to its end, at the pace of speech."""
        done: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        await self._waiting.put(_Utterance(samples, done))
        return await done

    async def run(self) -> None:
        """Send what there is to send until cancelled."""
        while True:
            if self._waiting.empty():
                await self._send(np.zeros(_FRAME, np.int16))
            else:
                await self._utter(self._waiting.get_nowait())

    async def close(self) -> None:
        """Let go of the track's source."""
        await self._source.aclose()

    async def _utter(self, utterance: _Utterance) -> None:
        samples = utterance.samples
        began = ended = 0.0
        for start in range(0, samples.size, _FRAME):
            part = samples[start : start + _FRAME]
            end = await self._send(np.pad(part, (0, _FRAME - part.size)))
            began = began or end - _FRAME / RATE
            ended = end - (_FRAME - part.size) / RATE
        if not utterance.done.done():
            utterance.done.set_result(Said(began, ended))

    async def _send(self, frame: Samples) -> float:
        """Queue a frame; return when its end leaves. Waits while the queue is full."""
        await self._source.capture_frame(rtc.AudioFrame(frame.tobytes(), RATE, 1, frame.size))
        return time.monotonic() + self._source.queued_duration
