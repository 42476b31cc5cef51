"""The main promise: a caller starts a session, joins, and hears its agent say its opening line."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.fixtures.house import House
from tests.support.caller import RATE, Caller, calling
from tests.support.eventually import eventually
from tests.support.pitch import median_pitch


async def hear_opening(house: House, **body: Any) -> tuple[dict[str, Any], Caller]:
    """Call, hear the opening line to its end, and end the session."""
    started = await asyncio.to_thread(house.start, **body)
    async with calling(started) as caller:
        await caller.wait_for_quiet()
        await asyncio.to_thread(house.end, started["sessionId"])
    return started, caller


def test_caller_when_it_joins_then_hears_the_opening_line(house: House) -> None:
    line = "Good morning. This is the opening line of your own agent."
    started, caller = asyncio.run(hear_opening(house, openingLine=line))
    assert 1.5 < caller.seconds_of_speech < 8
    shown = house.wait_for_state(started["sessionId"], "ended")
    assert shown["transcript"][0]["text"] == line
    assert shown["reason"] == "ended_by_api"


def test_same_user_when_calling_twice_at_once_then_each_call_keeps_its_own_voice(
    house: House,
) -> None:
    async def both() -> tuple[tuple[dict[str, Any], Caller], tuple[dict[str, Any], Caller]]:
        line = "Hello, I am the voice that you have asked for, and I keep it for the whole call."
        return await asyncio.gather(
            hear_opening(house, userName="Sam", voiceId="Craig", openingLine=line),
            hear_opening(house, userName="Sam", voiceId="Olivia", openingLine=line),
        )

    (craig, heard_craig), (olivia, heard_olivia) = asyncio.run(both())
    assert craig["roomName"] != olivia["roomName"]
    low = median_pitch(heard_craig.heard, RATE)
    high = median_pitch(heard_olivia.heard, RATE)
    assert high > low * 1.3


def test_session_when_it_starts_then_its_timeline_is_in_order(house: House) -> None:
    started, _ = asyncio.run(hear_opening(house))
    shown = house.wait_for_state(started["sessionId"], "ended")
    stamps = shown["timeline"]
    for earlier, later in [("accepted", "claimed"), ("claimed", "joined"), ("joined", "ready")]:
        assert stamps[earlier] <= stamps[later]
    assert stamps["userJoined"] <= stamps["firstAudio"]


def test_events_when_a_call_goes_its_way_then_tell_its_story_once(house: House) -> None:
    started, _ = asyncio.run(hear_opening(house))
    session_id = started["sessionId"]
    house.wait_for_state(session_id, "ended")
    events = house.events(session_id)
    states = [e.data["state"] for e in events if e.type == "session_state"]
    assert states == ["queued", "starting", "ready", "ending", "ended"]
    agent = [e.data["state"] for e in events if e.type == "agent_state"]
    assert agent[:3] == ["listening", "speaking", "listening"]
    finals = [e for e in events if e.type == "transcript" and e.data["final"]]
    assert len(finals) == 1
    assert events[-1].type == "session_ended"


def test_eight_calls_at_once_when_they_end_then_nothing_is_left(house: House) -> None:
    async def all_at_once() -> list[tuple[dict[str, Any], Caller]]:
        calls = [hear_opening(house, userName=f"user {n}") for n in range(8)]
        return await asyncio.gather(*calls)

    for _, caller in asyncio.run(all_at_once()):
        assert caller.seconds_of_speech > 1
    assert_nothing_is_left(house)


def test_twenty_calls_in_a_row_when_they_end_then_nothing_is_left(house: House) -> None:
    before = {child.pid for child in house.worker_children()}
    for n in range(20):
        _, caller = asyncio.run(hear_opening(house, userName=f"row {n}", openingLine="Hello."))
        assert caller.seconds_of_speech > 0.2
    assert_nothing_is_left(house)
    assert len(house.worker_children()) <= len(before) + 1


def assert_nothing_is_left(house: House) -> None:
    """No live session, no key without a TTL, no process of a call, no room."""
    eventually(lambda: house.directory.count_live() == 0, 20, "every session has ended")
    eventually(lambda: not house.rooms(), 20, "every room has gone")
    eventually(lambda: not house.agent_pids(), 20, "no agent owns a session")
    left = [key for key in house.own_keys() if house.redis.ttl(key) == -1]
    assert left == []
    kinds = {key for key in house.own_keys() if not key.endswith(":events")}
    assert not [key for key in kinds if key.startswith(("session:", "agent:", "alias:", "user:"))]
