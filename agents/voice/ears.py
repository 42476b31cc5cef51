"""How does an agent stop listening in the middle of a call?

Closed ears hear silence. To the session it is as if the caller had stopped speaking, so whatever
waits for that goes on; and what was said meanwhile has gone nowhere.
"""

from __future__ import annotations

from livekit import rtc
from livekit.agents.voice import io

from sessions.metering import current_meter


class Ears(io.AudioInput):
    """What comes from the caller's microphone, or silence."""

    def __init__(self, source: io.AudioInput | None, *, open_: bool) -> None:
        super().__init__(label="ears", source=source)
        self.open = open_
        self._meter = current_meter()

    async def __anext__(self) -> rtc.AudioFrame:
        """Return the next frame of audio."""
        frame = await super().__anext__()
        if not self.open:
            return _silent(frame)
        self._meter.hear(frame.duration)
        return frame


def _silent(frame: rtc.AudioFrame) -> rtc.AudioFrame:
    return rtc.AudioFrame.create(frame.sample_rate, frame.num_channels, frame.samples_per_channel)
