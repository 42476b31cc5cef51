"""How does a caller speak without a sound card?"""

from __future__ import annotations

import asyncio
from typing import Protocol

import numpy as np
from livekit import rtc

from orchestrator.cli.calling.sound import RATE, Samples

_FRAME = RATE // 100
_QUEUE_MS = 100


class Voice(Protocol):
    """Where a caller's voice comes from."""

    async def open(self) -> rtc.AudioSource:
        """Make ready; return the source of the caller's track."""
        ...

    async def run(self) -> None:
        """Feed the source for as long as the call lasts."""
        ...

    async def play(self, track: rtc.Track) -> None:
        """Let the caller hear a track, where there is somebody to hear it."""
        ...

    async def close(self) -> None:
        """Give back what was opened."""
        ...


class Microphone:
    """A track that carries silence, and now and then what is said."""

    def __init__(self) -> None:
        self._speech = np.zeros(0, np.int16)
        self._said = asyncio.Event()

    async def open(self) -> rtc.AudioSource:
        """Return the source of the track."""
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=_QUEUE_MS)
        return self._source

    async def say(self, speech: Samples) -> None:
        """Say something to its end."""
        self._said.clear()
        self._speech = speech
        await self._said.wait()

    async def run(self) -> None:
        """Send what there is to send."""
        while True:
            samples, self._speech = self._speech[:_FRAME], self._speech[_FRAME:]
            frame = np.zeros(_FRAME, np.int16)
            frame[: samples.size] = samples
            # Waits while the queue is full, which keeps the pace of speech.
            await self._source.capture_frame(rtc.AudioFrame(frame.tobytes(), RATE, 1, _FRAME))
            if not self._speech.size:
                self._said.set()

    async def play(self, track: rtc.Track) -> None:
        """Do nothing: the ear hears it."""

    async def close(self) -> None:
        """Do nothing."""
