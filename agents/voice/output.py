"""How does an agent's voice get into the room before anybody is there to hear it?

RoomIO publishes its track only once a caller has joined. A caller should find the agent already
there (a WHIP offer is even answered with the agent's track in it), so the output is published as
soon as the room is joined, and handed to the session ready made.
"""

from __future__ import annotations

import asyncio

from livekit import rtc
from livekit.agents import io

# RoomIO's own output is not exported; the lock file pins the version that this was read in.
from livekit.agents.voice.room_io._output import (
    _ParticipantAudioOutput,
)

from sessions.rooms import AGENT_TRACK

SAMPLE_RATE = 24_000


class EarlyAudioOutput:
    """The agent's track: 24 kHz mono, published before the caller joins."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        self._output = _ParticipantAudioOutput(
            room,
            sample_rate=SAMPLE_RATE,
            num_channels=1,
            track_publish_options=options,
            track_name=AGENT_TRACK,
        )
        self._started: asyncio.Task[None] | None = None

    @property
    def sink(self) -> io.AudioOutput:
        """Return what an ``AgentSession`` plays to. It waits for the caller's subscription."""
        return self._output

    async def publish(self) -> None:
        """Publish the track in a room that has been joined."""
        published = asyncio.get_running_loop().create_future()

        def on_published(_publication: object, _track: object) -> None:
            if not published.done():
                published.set_result(None)

        self._room.on("local_track_published", on_published)
        try:
            # Starting ends only when somebody has subscribed, so it goes on by itself.
            self._started = asyncio.create_task(self._output.start())
            await asyncio.wait({published, self._started}, return_when=asyncio.FIRST_COMPLETED)
            if self._started.done():
                self._started.result()
        finally:
            self._room.off("local_track_published", on_published)

    async def aclose(self) -> None:
        """Stop playing."""
        if self._started is not None:
            self._started.cancel()
        await self._output.aclose()
