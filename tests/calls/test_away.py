"""Redis, the media server or a worker goes away: calls survive it, or end for a fitting reason."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from agents.voice.rooms import room_names
from sessions.rooms import AGENT_IDENTITY
from sessions.states import Fault, Reason, State
from tests.fixtures.house import House
from tests.fixtures.livekit import PORTS, livekit_server
from tests.support.annex import Annex, annex
from tests.support.caller import calling
from tests.support.eventually import eventually
from tests.support.own_redis import OwnRedis
from tests.support.ports import free_port_block

LINE = "Good morning. This opening line goes on for as long as somebody needs to restart a server."


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    """A Redis that the tests of this file take away."""
    redis = OwnRedis(tmp_path_factory.mktemp("away"))
    redis.on()
    yield redis
    redis.off()


@pytest.fixture(scope="module")
def small(house: House, own: OwnRedis) -> Iterator[Annex]:
    """A small house on that Redis; an agent keeps its session for longer than Redis is away."""
    with annex(
        house, redis_url=own.url, lease_seconds=15, join_timeout_seconds=60, idle_timeout_seconds=60
    ) as small:
        yield small


def test_worker_when_redis_was_restarted_while_it_was_idle_then_serves_the_next_call(
    small: Annex, own: OwnRedis
) -> None:
    with own.away():
        eventually(lambda: "redis" in small.worker.tail().lower(), 20, "the worker misses Redis")
    session = small.start()
    small.wait_until_ready(session)
    small.end(session.id)
    assert small.wait_until_archived(session.id).reason == Reason.ENDED_BY_API


def test_worker_when_redis_fails_over_then_keeps_its_call_and_serves_the_next(
    small: Annex, own: OwnRedis
) -> None:
    session = small.start()
    small.wait_until_ready(session)
    with Redis.from_url(own.url) as redis:
        redis.replicaof("127.0.0.1", "1")
        eventually(lambda: "UNBLOCKED" in small.worker.tail(), 20, "the worker is sent away")
        redis.replicaof("no", "one")
    small.end(session.id)
    ended = small.wait_until_archived(session.id)
    assert (ended.reason, ended.generation) == (Reason.ENDED_BY_API, 1)
    following = small.start()
    small.wait_until_ready(following)
    small.end(following.id)
    small.wait_until_archived(following.id)


def test_call_when_redis_is_away_in_the_middle_then_goes_on_and_tells_it_afterwards(
    small: Annex, own: OwnRedis
) -> None:
    async def call() -> str:
        session = await asyncio.to_thread(small.start, openingLine=LINE)
        async with calling(small.ticket(session)) as caller:
            await caller.wait_for_speech()
            await asyncio.to_thread(own.off)
            # The rest of the line and a pause: all that the agent tells now has to wait.
            await caller.wait_for_quiet()
            assert caller.seconds_of_speech > 3
            assert AGENT_IDENTITY in caller.room.remote_participants
            await asyncio.to_thread(own.on)
            await asyncio.to_thread(
                eventually, lambda: LINE in finals(small, session.id), 20, "the line is told"
            )
            assert AGENT_IDENTITY in caller.room.remote_participants
        return session.id

    ended = small.wait_until_archived(asyncio.run(call()))
    assert (ended.reason, ended.fault) == (Reason.USER_LEFT, Fault.USER)
    assert (ended.generation, ended.recoveries) == (1, 0)
    assert [turn["text"] for turn in ended.transcript] == [LINE]


def test_call_when_redis_is_full_in_the_middle_then_goes_on_is_told_and_ends(
    small: Annex, own: OwnRedis
) -> None:
    async def call() -> str:
        session = await asyncio.to_thread(small.start, openingLine=LINE)
        async with calling(small.ticket(session)) as caller:
            await caller.wait_for_speech()
            small.context.redis.config_set("maxmemory", 1)
            with pytest.raises(OutOfMemoryError):
                await asyncio.to_thread(small.start)
            await caller.wait_for_quiet()
            assert caller.seconds_of_speech > 3
            assert LINE in finals(small, session.id)
        await asyncio.to_thread(
            eventually, lambda: has_left(small, session.id), 20, "the agent has left"
        )
        return session.id

    try:
        session_id = asyncio.run(call())
    finally:
        small.context.redis.config_set("maxmemory", 0)
    ended = small.wait_until_archived(session_id)
    assert (ended.reason, ended.generation) == (Reason.USER_LEFT, 1)
    assert [turn["text"] for turn in ended.transcript] == [LINE]


def has_left(small: Annex, session_id: str) -> bool:
    """Tell whether a session's agent has given it up."""
    session = small.context.directory.load(session_id)
    return session is None or (session.state is State.ENDING and not session.owner)


def finals(small: Annex, session_id: str) -> list[str]:
    """Return what has been said to its end."""
    said = [event.data for event in small.events(session_id) if event.type == "transcript"]
    return [data["text"] for data in said if data["final"]]


def test_call_when_livekit_is_restarted_in_the_middle_then_ends_for_a_reason_and_leaves_nothing(
    house: House, tmp_path: Path
) -> None:
    port = free_port_block(PORTS)
    url = f"ws://127.0.0.1:{port}"

    media = ExitStack()

    async def call(small: Annex) -> str:
        session = await asyncio.to_thread(small.start, openingLine="Hello.")
        async with calling(small.ticket(session)) as caller:
            await caller.wait_for_speech()
            await asyncio.to_thread(media.close)
        return session.id

    with media, annex(house, livekit_url=url, idle_timeout_seconds=60) as small:
        media.enter_context(livekit_server(tmp_path, port))
        session_id = asyncio.run(call(small))
        with livekit_server(tmp_path, port):
            ended = small.wait_until_archived(session_id, within=60)
            eventually(
                lambda: not asyncio.run(room_names(small.context.settings)), 20, "no room is left"
            )
    assert (ended.reason, ended.fault) in [
        (Reason.AGENT_ERROR, Fault.PLATFORM),
        (Reason.USER_LEFT, Fault.USER),
    ]


def test_worker_when_told_to_go_in_a_call_then_takes_no_other_and_goes_after_it(
    house: House,
) -> None:
    with annex(house, queue_timeout_seconds=60, join_timeout_seconds=60) as small:

        async def call() -> tuple[str, str]:
            session = await asyncio.to_thread(small.start, openingLine=LINE)
            async with calling(small.ticket(session)) as caller:
                await caller.wait_for_speech()
                other = await asyncio.to_thread(small.start)
                small.worker.process.terminate()
                await caller.wait_for_quiet()
                assert caller.seconds_of_speech > 3
                assert small.worker.running
                assert small.is_queued(other.id)
            return session.id, other.id

        session_id, other_id = asyncio.run(call())
        ended = small.wait_until_archived(session_id)
        assert (ended.reason, ended.recoveries) == (Reason.USER_LEFT, 0)
        assert [turn["text"] for turn in ended.transcript] == [LINE]
        assert small.worker.process.wait(30) == 0
        assert small.is_queued(other_id)
