"""How is an agent told what to do, wherever it runs?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis import Redis

from sessions.connections import connect_async_blocking
from sessions.control import Command, ControlReader
from sessions.keys import SessionKeys
from sessions.settings import Settings
from sessions.states import Reason
from sessions.store import SessionStore
from tests.support.eventually import eventually
from tests.support.sessions import Actor


@asynccontextmanager
async def reader(settings: Settings, session_id: str, since: int) -> AsyncIterator[ControlReader]:
    redis = connect_async_blocking(settings, 5)
    try:
        yield ControlReader(redis, session_id, since)
    finally:
        await redis.aclose()


def test_command_when_given_while_an_agent_waits_then_reaches_it_once(
    actor: Actor, store: SessionStore, settings: Settings
) -> None:
    session_id = actor.queued()
    since = actor.claim(session_id).at

    async def play() -> None:
        async with reader(settings, session_id, since) as orders:
            waiting = asyncio.create_task(orders.wait(5))
            await asyncio.to_thread(store.begin_ending, session_id, Reason.ENDED_BY_API)
            (order,) = await waiting
            assert (order.command, order.data) == (Command.END, {})
            assert await orders.wait(0.01) == []

    asyncio.run(play())


def test_command_when_given_before_the_claim_then_is_not_for_this_agent(
    actor: Actor, store: SessionStore, settings: Settings, redis: Redis
) -> None:
    session_id = actor.queued()
    stream = SessionKeys.of(session_id).control
    at = actor.claim(session_id).at
    redis.xadd(stream, {"command": "end", "data": "{}"}, id=f"{at - 1}-5")
    redis.xadd(stream, {"command": "end", "data": "{}"}, id=f"{at}-0")

    async def play() -> None:
        async with reader(settings, session_id, at) as orders:
            assert [order.id for order in await orders.wait(1)] == [f"{at}-0"]

    asyncio.run(play())


def test_order_when_the_agent_before_did_not_say_it_then_reaches_the_next_and_others_do_not(
    actor: Actor, store: SessionStore, settings: Settings, redis: Redis
) -> None:
    session_id = actor.ready()
    stream = SessionKeys.of(session_id).control
    said, unsaid = (
        str(redis.xadd(stream, {"command": "say", "data": '{"text": "' + text + '"}'}))
        for text in ("One", "Two")
    )
    store.listen(session_id, on=False)
    store.emit(session_id, "transcript", {}, generation=1, fields={"heeded": said})
    store.recover(session_id, "agent_died", unless_leased=False)
    redis.xadd(stream, {"command": "say", "data": '{"text": "Three"}'})
    eventually(lambda: store.now() > int(unsaid.partition("-")[0]) + 5, 20, "some time passes")
    claim = actor.claim(session_id, 2)
    assert claim.session.heeded == said

    async def play() -> None:
        redis = connect_async_blocking(settings, 5)
        reader = ControlReader(redis, session_id, claim.at, claim.session.heeded)
        try:
            orders = await reader.wait(1)
        finally:
            await redis.aclose()
        assert [(o.command, o.data["text"]) for o in orders] == [
            (Command.SAY, "Two"),
            (Command.SAY, "Three"),
        ]

    asyncio.run(play())


def test_command_when_unknown_to_this_version_then_is_passed_over(
    actor: Actor, settings: Settings, redis: Redis
) -> None:
    session_id = actor.ready()
    for command in ("dance", "end"):
        redis.xadd(SessionKeys.of(session_id).control, {"command": command, "data": "{}"})

    async def play() -> None:
        async with reader(settings, session_id, 1) as orders:
            assert [order.command for order in await orders.wait(1)] == [Command.END]
            assert await orders.wait(0.01) == []

    asyncio.run(play())


def test_wait_when_for_no_time_at_all_then_returns(settings: Settings, redis: Redis) -> None:
    async def play() -> None:
        async with reader(settings, "session_x", 1) as orders:
            assert await asyncio.wait_for(orders.wait(0), 5) == []

    asyncio.run(play())
