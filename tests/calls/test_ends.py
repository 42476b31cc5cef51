"""A call ends for one reason, and everybody is told which."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

from sessions.directory import Directory
from sessions.keys import SessionKeys
from tests.fixtures.house import House
from tests.support.annex import annex
from tests.support.caller import calling
from tests.support.eventually import eventually


def test_caller_when_it_leaves_then_the_session_ends_after_the_grace_time(house: House) -> None:
    async def call() -> str:
        started = await asyncio.to_thread(house.start, openingLine="Hello.")
        async with calling(started) as caller:
            await caller.wait_for_speech()
        return started["sessionId"]

    shown = house.wait_for_state(asyncio.run(call()), "ended")
    assert (shown["reason"], shown["fault"]) == ("user_left", "user")


def test_caller_when_it_comes_back_in_time_then_the_call_goes_on(house: House) -> None:
    async def call() -> str:
        started = await asyncio.to_thread(house.start, openingLine="Hello.")
        async with calling(started) as caller:
            await caller.wait_for_speech()
        async with calling(started) as caller:
            await caller.stay(house.settings.rejoin_grace_seconds + 1)
            shown = await asyncio.to_thread(house.show, started["sessionId"])
            assert shown["state"] == "ready"
            await asyncio.to_thread(house.end, started["sessionId"])
        return started["sessionId"]

    assert house.wait_for_state(asyncio.run(call()), "ended")["reason"] == "ended_by_api"


def test_caller_when_it_never_joins_then_the_session_ends_by_join_timeout(house: House) -> None:
    started = house.start()
    shown = house.wait_for_state(started["sessionId"], "ended")
    assert (shown["reason"], shown["fault"]) == ("join_timeout", "user")
    house.assert_nothing_is_left()


def test_caller_when_it_has_gone_before_any_agent_came_then_it_is_known_to_have_left(
    house: House,
) -> None:
    async def call(started: dict[str, Any]) -> None:
        async with calling(started):
            await asyncio.to_thread(eventually, has_appeared, 20, "livekit's report")

    def has_appeared() -> bool:
        session = Directory(house.redis).load(started["sessionId"])
        return session is not None and session.appeared

    with house.frozen("worker"):
        started = house.start()
        asyncio.run(call(started))
    shown = house.wait_for_state(started["sessionId"], "ended")
    assert (shown["reason"], shown["fault"]) == ("user_left", "user")
    house.assert_nothing_is_left()


def test_call_when_nobody_speaks_then_it_ends_by_idle_timeout(house: House) -> None:
    async def call() -> str:
        started = await asyncio.to_thread(house.start, openingLine="Hello.")
        async with calling(started) as caller:
            await caller.wait_for_speech()
            await asyncio.to_thread(house.wait_for_state, started["sessionId"], "ended", 40)
        return started["sessionId"]

    assert house.show(asyncio.run(call()))["reason"] == "idle_timeout"


def test_call_when_it_lasts_too_long_then_it_ends_by_max_duration(house: House) -> None:
    async def call() -> str:
        line = "This is a long opening line that goes on for a while. " * 5
        started = await asyncio.to_thread(house.start, openingLine=line, maxDurationSeconds=10)
        async with calling(started):
            await asyncio.to_thread(house.wait_for_state, started["sessionId"], "ended", 40)
        return started["sessionId"]

    shown = house.show(asyncio.run(call()))
    assert shown["reason"] == "max_duration"


def test_room_when_it_is_deleted_from_outside_then_the_session_ends(house: House) -> None:
    async def call() -> str:
        from agents.voice.rooms import delete_room

        started = await asyncio.to_thread(house.start, openingLine="Hello.")
        async with calling(started) as caller:
            await caller.wait_for_speech()
            await delete_room(house.settings, started["sessionId"])
        return started["sessionId"]

    assert house.wait_for_state(asyncio.run(call()), "ended")["reason"] == "ended_by_api"


def test_config_when_it_is_missing_then_a_default_agent_takes_the_call(house: House) -> None:
    """The config vanishes between the start and the claim: the session waits for a slot."""
    fillers = [house.start(userName=f"filler {n}") for n in range(8)]
    eventually(lambda: len(house.agent_pids()) == 8, 20, "all slots are busy")
    started = house.start(userName="Nora")
    house.redis.delete(SessionKeys.of(started["sessionId"]).config)
    house.end(fillers[0]["sessionId"])
    house.wait_for_state(started["sessionId"], "ready")
    errors = [e for e in house.events(started["sessionId"]) if e.type == "error"]
    assert [e.data["code"] for e in errors] == ["config_missing"]
    assert house.show(started["sessionId"])["config"]["userName"] == "Nora"
    for session in [*fillers[1:], started]:
        house.end(session["sessionId"])
    house.assert_nothing_is_left()


def test_agent_when_it_is_killed_then_another_takes_the_call(house: House) -> None:
    async def call() -> str:
        started = await asyncio.to_thread(house.start, openingLine="Hello, nice to hear you.")
        session_id = started["sessionId"]
        async with calling(started) as caller:
            await caller.wait_for_quiet()
            spoken = caller.seconds_of_speech
            os.kill(int(house.redis.get(SessionKeys.of(session_id).pid) or 0), signal.SIGKILL)
            await asyncio.to_thread(
                eventually,
                lambda: house.show(session_id)["generation"] == 2,
                20,
                "a second agent is asked for",
            )
            await asyncio.to_thread(house.wait_for_state, session_id, "ready")
            caller.spoken_to.clear()
            await caller.wait_for_quiet()
            assert caller.seconds_of_speech > spoken + 0.5
            await asyncio.to_thread(house.end, session_id)
        return session_id

    session_id = asyncio.run(call())
    house.wait_for_state(session_id, "ended")
    kinds = [event.type for event in house.events(session_id)]
    assert kinds.count("agent_recovering") == kinds.count("agent_recovered") == 1
    house.assert_nothing_is_left()


def test_speech_when_the_provider_fails_then_the_session_ends_with_fault_provider(
    house: House,
) -> None:
    with annex(house, inference_url="http://127.0.0.1:9/v1") as small:

        async def call() -> str:
            session = await asyncio.to_thread(small.start)
            async with calling(small.ticket(session)):
                await asyncio.to_thread(small.wait_until_archived, session.id)
            return session.id

        ended = small.wait_until_archived(asyncio.run(call()))
    assert (ended.reason, ended.fault) == ("provider_error", "provider")
