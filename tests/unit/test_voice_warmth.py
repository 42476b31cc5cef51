"""What is made ready before a call leaves no alarm in the log."""

from __future__ import annotations

import asyncio
import logging

import pytest

from agents.voice.warmth import warm
from sessions.settings import Settings

LATE = (
    "livekit_ffi::server::room:355:livekit_ffi::server::room - error while connecting to a room: x"
)


def test_warm_when_the_native_library_tells_late_of_the_room_that_is_none_then_nobody_hears_it(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    # A worker's child has a loop; another test may have taken this thread's away.
    asyncio.set_event_loop(asyncio.new_event_loop())
    warm(settings)
    logging.getLogger("livekit").error(LATE)
    logging.getLogger("livekit").error("livekit::rtc_engine - something else")
    found = [record.message for record in caplog.records if record.name == "livekit"]
    assert found == ["livekit::rtc_engine - something else"]
