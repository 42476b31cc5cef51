"""How does a WHIP caller speak? A track of frames, silent but for what is said now and then."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction

import numpy as np
from aiortc import MediaStreamTrack
from av import AudioFrame

from tests.support.microphone import Said
from tests.support.speech import RATE, Samples

FRAME = RATE // 50


class SpokenTrack(MediaStreamTrack):
    """Gives a frame every 20 ms, as a microphone does."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._to_say: list[tuple[Samples, asyncio.Future[Said]]] = []
        self._began = 0.0
        self._frames = 0
        self._said = 0
        self._said_from = 0.0

    async def say(self, samples: Samples) -> Said:
        """Say something to its end, at the pace of speech."""
        done: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        self._to_say.append((samples, done))
        return await done

    async def recv(self) -> AudioFrame:
        """Return the next frame when its time has come."""
        self._began = self._began or time.monotonic()
        due = self._began + self._frames * FRAME / RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        frame = AudioFrame.from_ndarray(self._next()[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = RATE
        frame.pts = self._frames * FRAME
        frame.time_base = Fraction(1, RATE)
        self._frames += 1
        return frame

    def _next(self) -> Samples:
        if not self._to_say:
            return np.zeros(FRAME, np.int16)
        now = time.monotonic()
        samples, done = self._to_say[0]
        if not self._said:
            self._said_from = now
        part = samples[self._said : self._said + FRAME]
        self._said += FRAME
        if self._said >= samples.size:
            self._to_say.pop(0)
            self._said = 0
            if not done.done():
                done.set_result(Said(self._said_from, now + part.size / RATE))
        return np.pad(part, (0, FRAME - part.size))
