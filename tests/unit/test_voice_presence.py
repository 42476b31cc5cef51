"""Whether a caller has been here decides why a call ends without one."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
from livekit import rtc

from agents.voice.ending import Ender
from agents.voice.presence import Presence
from sessions.rooms import AGENT_IDENTITY, CALLER_IDENTITY
from sessions.states import Reason
from tests.support.settings import settings_with


@pytest.mark.parametrize(
    ("left", "reason"),
    [(CALLER_IDENTITY, Reason.USER_LEFT), (AGENT_IDENTITY, Reason.JOIN_TIMEOUT)],
    ids=["caller", "somebody else"],
)
def test_call_when_somebody_left_before_it_was_ready_then_ends_for_the_right_reason(
    left: str, reason: Reason
) -> None:
    settings = settings_with(rejoin_grace_seconds=0.01, join_timeout_seconds=0.02)

    async def wait() -> Reason | None:
        room: Any = rtc.EventEmitter[str]()
        room.remote_participants = {}
        ender = Ender()
        presence = Presence(room, settings, cast("Any", Mock()), ender)
        room.emit("participant_disconnected", SimpleNamespace(identity=left))
        presence.watch_room(been_here=False)
        return (await asyncio.wait_for(ender.wait(), 5)).reason

    assert asyncio.run(wait()) is reason


@pytest.mark.parametrize("sent_away", [True, False])
def test_caller_when_sent_away_to_connect_anew_then_has_the_time_to_do_so(sent_away: bool) -> None:
    async def come_back() -> bool:
        room: Any = rtc.EventEmitter[str]()
        room.remote_participants = {}
        ender = Ender()
        settings = settings_with(rejoin_grace_seconds=0)
        presence = Presence(room, settings, cast("Any", Mock()), ender)
        presence.watch_room(been_here=True, sent_away=sent_away)
        await asyncio.sleep(0.05)
        room.emit("participant_connected", SimpleNamespace(identity=CALLER_IDENTITY))
        presence.stop()
        return not ender.over

    assert asyncio.run(come_back()) is sent_away
