"""The agent's voice is in the room before anybody hears it, or the agent has lost the room."""

from __future__ import annotations

import asyncio
from unittest.mock import AsyncMock, Mock

import pytest
from livekit import rtc
from livekit.rtc.participant import PublishTrackError

from agents.voice.ending import ConnectionLostError
from agents.voice.output import EarlyAudioOutput
from agents.voice.script import Script


def test_voice_when_the_media_server_goes_before_it_is_taken_then_the_connection_is_lost() -> None:
    async def publish() -> None:
        room = Mock(rtc.Room)
        error = PublishTrackError("track publication timed out, no response from the server")
        room.local_participant.publish_track = AsyncMock(side_effect=error)
        output = EarlyAudioOutput(room, Mock(Script))
        try:
            await output.publish()
        finally:
            await output.aclose()

    with pytest.raises(ConnectionLostError, match="timed out"):
        asyncio.run(publish())
