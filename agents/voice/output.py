"""How does an agent's voice get into the room before anybody is there to hear it?

RoomIO publishes its track only once a caller has joined. A caller should find the agent already
there (a WHIP offer is even answered with the agent's track in it), so the output is published as
soon as the room is joined, and handed to the session ready made.
"""

from __future__ import annotations

import asyncio

import numpy as np
from livekit import rtc
from livekit.agents import io

# RoomIO's own output is not exported; the lock file pins the version that this was read in.
from livekit.agents.voice.room_io._output import (
    _ParticipantAudioOutput,
)
from livekit.rtc.participant import PublishTrackError

from agents.voice.ending import ConnectionLostError
from agents.voice.script import Script
from sessions.metering import current_meter
from sessions.rooms import AGENT_TRACK
from sessions.tracing import span

SAMPLE_RATE = 24_000

_SILENT = 200
"""Of 32,768: far below the softest consonant."""

_SHORTEST_SAMPLES = SAMPLE_RATE // 1000


class EarlyAudioOutput:
    """The agent's track: 24 kHz mono, published before the caller joins."""

    def __init__(self, room: rtc.Room, script: Script) -> None:
        self._room = room
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        self._output = _PromptAudioOutput(
            room,
            sample_rate=SAMPLE_RATE,
            num_channels=1,
            track_publish_options=options,
            track_name=AGENT_TRACK,
        )
        self._output.script = script
        script.position = lambda: self._output.position
        self._started: asyncio.Task[None] | None = None
        current_meter().played_ms = lambda: round(self._output.played_seconds * 1000)

    @property
    def sink(self) -> io.AudioOutput:
        """Return what an ``AgentSession`` plays to. It waits for the caller's subscription."""
        return self._output

    async def publish(self) -> None:
        """Publish the track in a room that has been joined.

        Raises:
            ConnectionLostError: the media server has gone meanwhile, or does not take it.
        """
        published = asyncio.get_running_loop().create_future()

        def on_published(_publication: object, _track: object) -> None:
            if not published.done():
                published.set_result(None)

        self._room.on("local_track_published", on_published)
        try:
            # Starting ends only when somebody has subscribed, so it goes on by itself.
            self._started = asyncio.create_task(self._output.start())
            with span("publish"):
                await asyncio.wait({published, self._started}, return_when=asyncio.FIRST_COMPLETED)
            if self._started.done():
                self._started.result()
        except PublishTrackError as error:
            raise ConnectionLostError(f"The voice was not taken: {error}.") from error
        finally:
            self._room.off("local_track_published", on_published)

    def play_unheard(self) -> None:
        """Play from now on, though nobody may have subscribed."""
        if not self._output.subscribed.done():
            self._output.subscribed.set_result(None)

    async def aclose(self) -> None:
        """Stop playing."""
        if self._started is not None:
            self._started.cancel()
        await self._output.aclose()


class _PromptAudioOutput(_ParticipantAudioOutput):
    """Plays at once: voices are made with a breath of silence before the first sound."""

    script: Script
    _sounds = False
    _finished_seconds = 0.0

    @property
    def played_seconds(self) -> float:
        """Return how long something has been played altogether, without what was cut off."""
        given = self._source_pushed_duration - self._source_discarded_duration
        return self._finished_seconds + max(0.0, given - self._audio_source.queued_duration)

    @property
    def position(self) -> float | None:
        """Return how many seconds of what is played now have been heard, if anything is."""
        if not self._pushed_duration:
            return None
        return self._source_pushed_duration - self._audio_source.queued_duration

    def on_playback_finished(
        self,
        *,
        playback_position: float,
        interrupted: bool,
        synchronized_transcript: str | None = None,
    ) -> None:
        """Take note of how much of something was played."""
        self._finished_seconds += playback_position
        super().on_playback_finished(
            playback_position=playback_position,
            interrupted=interrupted,
            synchronized_transcript=synchronized_transcript,
        )

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take in some of what is to be played."""
        self.script.plays(frame, self._pushed_duration + self._audio_bstream.buffered_duration)
        if not self._sounds:
            frame, self._sounds = _without_lead(frame)
        await super().capture_frame(frame)

    def flush(self) -> None:
        """Take note that a sentence is complete; the next one has a breath of its own."""
        self._sounds = False
        super().flush()


def _without_lead(frame: rtc.AudioFrame) -> tuple[rtc.AudioFrame, bool]:
    """Return a frame from its first sound on; of one without any, something short is left."""
    samples = np.frombuffer(frame.data, np.int16)
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _SILENT)
    first = loud[0] if loud.size else samples.size - _SHORTEST_SAMPLES
    kept = samples[max(first, 0) :]
    shorter = rtc.AudioFrame(kept.tobytes(), frame.sample_rate, frame.num_channels, kept.size)
    return shorter, bool(loud.size)
