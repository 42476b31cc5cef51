"""The main promise: a caller starts a session, joins, and hears its agent say its opening line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import psutil

from tests.fixtures.house import House
from tests.support.caller import RATE, Caller, calling
from tests.support.eventually import eventually
from tests.support.pitch import median_pitch

PUBLISHED_WITHIN_MS = 5000


@dataclass
class Call:
    """One call that is over: its session, the process that was its agent, and who called."""

    started: dict[str, Any]
    agent_pid: int
    caller: Caller

    @property
    def session_id(self) -> str:
        return self.started["sessionId"]


async def hear_opening(house: House, **body: Any) -> Call:
    """Call, hear the opening line to its end, and end the session."""
    started = await asyncio.to_thread(house.start, **body)
    session_id = started["sessionId"]

    def said() -> list[str]:
        events = [e for e in house.events(session_id) if e.type == "transcript"]
        return [e.data["text"] for e in events if e.data["final"]]

    async with calling(started) as caller:
        await caller.wait_for_speech()
        await asyncio.to_thread(eventually, said, 30, "the opening line is said")
        await caller.wait_for_quiet()
        agent_pid = await asyncio.to_thread(house.agent_pid, session_id)
        await asyncio.to_thread(house.end, session_id)
    return Call(started, agent_pid, caller)


def test_caller_when_it_joins_then_hears_the_opening_line(house: House) -> None:
    line = "Good morning. This is the opening line of your own agent."
    call = asyncio.run(hear_opening(house, openingLine=line))
    assert 1.5 < call.caller.seconds_of_speech < 8
    shown = house.wait_for_state(call.session_id, "ended")
    assert shown["transcript"][0]["text"] == line
    assert shown["reason"] == "ended_by_api"


def test_same_user_when_calling_twice_at_once_then_each_call_keeps_its_own_voice(
    house: House,
) -> None:
    async def both() -> tuple[Call, Call]:
        line = "Hello, I am the voice that you have asked for, and I keep it for the whole call."
        return await asyncio.gather(
            hear_opening(house, userName="Sam", voiceId="Craig", openingLine=line),
            hear_opening(house, userName="Sam", voiceId="Olivia", openingLine=line),
        )

    craig, olivia = asyncio.run(both())
    assert craig.started["roomName"] != olivia.started["roomName"]
    low = median_pitch(craig.caller.heard, RATE)
    high = median_pitch(olivia.caller.heard, RATE)
    assert high > low * 1.3


def test_session_when_it_starts_then_its_timeline_is_in_order(house: House) -> None:
    shown = house.wait_for_state(asyncio.run(hear_opening(house)).session_id, "ended")
    stamps = shown["timeline"]
    assert stamps["accepted"] <= stamps["claimed"] < stamps["joined"] <= stamps["ready"]
    # What is left to do in a room that is joined is to publish a track.
    assert stamps["ready"] - stamps["joined"] < PUBLISHED_WITHIN_MS
    assert stamps["userJoined"] <= stamps["firstAudio"]


def test_events_when_a_call_goes_its_way_then_tell_its_story_once(house: House) -> None:
    session_id = asyncio.run(hear_opening(house)).session_id
    house.wait_for_state(session_id, "ended")
    events = house.events(session_id)
    states = [e.data["state"] for e in events if e.type == "session_state"]
    assert states == ["queued", "starting", "ready", "ending", "ended"]
    agent = [e.data["state"] for e in events if e.type == "agent_state"]
    assert agent[:3] == ["listening", "speaking", "listening"]
    finals = [e for e in events if e.type == "transcript" and e.data["final"]]
    assert len(finals) == 1
    assert events[-1].type == "session_ended"


def test_eight_calls_at_once_when_they_end_then_each_heard_its_own_line_and_nothing_is_left(
    house: House,
) -> None:
    numbers = ("one", "two", "three", "four", "five", "six", "seven", "eight")
    short = [f"Hello, caller number {number}." for number in numbers[:4]]
    long = [
        f"Hello, caller number {number}. {'This line is a good deal longer. ' * 3}".strip()
        for number in numbers[4:]
    ]

    async def all_at_once() -> list[Call]:
        lines = enumerate([*short, *long])
        calls = [hear_opening(house, userName=f"user {n}", openingLine=line) for n, line in lines]
        return await asyncio.gather(*calls)

    calls = asyncio.run(all_at_once())
    for call, line in zip(calls, [*short, *long], strict=True):
        shown = house.wait_for_state(call.session_id, "ended")
        assert [turn["text"] for turn in shown["transcript"]] == [line]
        assert shown["generation"] == 1
    heard = [call.caller.seconds_of_speech for call in calls]
    assert min(heard) > 0.5
    assert min(heard[4:]) > max(heard[:4])
    house.assert_nothing_is_left()


def test_twenty_calls_one_after_another_when_they_end_then_each_had_a_process_that_is_gone(
    house: House,
) -> None:
    async def five(line: int) -> list[Call]:
        names = [f"line {line}, call {n}" for n in range(5)]
        return [await hear_opening(house, userName=name, openingLine="Hello.") for name in names]

    async def four_lines() -> list[Call]:
        lines = await asyncio.gather(*(five(line) for line in range(4)))
        return [call for line in lines for call in line]

    calls = asyncio.run(four_lines())
    assert min(call.caller.seconds_of_speech for call in calls) > 0.2
    house.assert_nothing_is_left()
    pids = {call.agent_pid for call in calls}
    assert len(pids - {0}) == 20
    eventually(lambda: not any(map(psutil.pid_exists, pids)), 20, "every agent has gone")
