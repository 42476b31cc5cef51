"""Redis is killed, or livekit-server restarted, under calls: they go on, and nobody calls again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from sessions.models import Session
from sessions.states import Reason
from tests.chaos.parts import TICKER, TICKERS
from tests.chaos.ticker import counts
from tests.fixtures.house import House
from tests.fixtures.livekit import PORTS, livekit_server
from tests.support.annex import Annex, annex
from tests.support.caller import Caller, calling
from tests.support.eventually import eventually
from tests.support.own_redis import OwnRedis
from tests.support.ports import free_port_block
from workers.upkeep.reconciling import reconcile

LEASE_SECONDS = 3.0


@pytest.fixture(scope="module")
def media() -> Iterator[ExitStack]:
    """Where a media server runs until it is restarted."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    """A Redis that is killed."""
    redis = OwnRedis(tmp_path_factory.mktemp("restarts"))
    redis.on()
    yield redis
    redis.off()


@pytest.fixture(scope="module")
def livekit_port() -> int:
    """Where the media server is that is restarted."""
    return free_port_block(PORTS)


@pytest.fixture(scope="module")
def small(
    house: House,
    own: OwnRedis,
    media: ExitStack,
    livekit_port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Annex]:
    """A small house on both, whose agents keep a session for less time than Redis is away."""
    media.enter_context(livekit_server(tmp_path_factory.mktemp("media"), livekit_port))
    with annex(
        house,
        redis_url=own.url,
        livekit_url=f"ws://127.0.0.1:{livekit_port}",
        agents=TICKERS,
        lease_seconds=LEASE_SECONDS,
        lease_renew_seconds=1,
        rejoin_grace_seconds=25,
        join_timeout_seconds=60,
        idle_timeout_seconds=60,
    ) as small:
        yield small


async def dial(small: Annex) -> Session:
    """Start a call with an agent that counts aloud."""
    return await asyncio.to_thread(small.start, agent=TICKER, openingLine="One moment.")


async def is_heard_counting(caller: Caller, times: int = 2) -> None:
    """Wait until the agent has said something more, after a pause each."""
    for _ in range(times):
        await caller.hears_silence_after(await caller.hears_after(time.monotonic()))


def kill_livekit(port: int) -> None:
    """Kill whoever listens on the port of the media server."""
    for connection in psutil.net_connections("tcp"):
        is_it = connection.laddr and connection.laddr.port == port
        if is_it and connection.status == psutil.CONN_LISTEN:
            psutil.Process(connection.pid).kill()


async def keep_house(small: Annex) -> None:
    """Do what beat asks for, until cancelled."""
    while True:
        await asyncio.to_thread(small.upkeep)
        await asyncio.to_thread(reconcile, small.context)
        await asyncio.sleep(1)


def test_call_when_redis_is_killed_and_away_for_two_leases_then_the_same_agent_goes_on(
    small: Annex, own: OwnRedis
) -> None:
    async def call() -> str:
        session = await dial(small)
        async with calling(small.ticket(session)) as caller:
            await is_heard_counting(caller)
            # Somebody has to have been there before, as in every house.
            await asyncio.to_thread(small.upkeep)
            await asyncio.to_thread(own.kill)
            away = time.monotonic()
            while time.monotonic() < away + 2 * LEASE_SECONDS:
                await is_heard_counting(caller, times=1)
            await asyncio.to_thread(own.on)
            back = time.monotonic()
            while time.monotonic() < back + LEASE_SECONDS:
                await asyncio.to_thread(small.upkeep)
            await is_heard_counting(caller)
            await asyncio.to_thread(small.end, session.id)
        return session.id

    ended = small.wait_until_archived(asyncio.run(call()))
    assert (ended.reason, ended.generation, ended.recoveries) == (Reason.ENDED_BY_API, 1, 0)
    counted = counts([turn["text"] for turn in ended.transcript])
    assert counted == list(range(1, len(counted) + 1))


def test_call_when_livekit_is_restarted_in_the_middle_then_the_caller_hears_an_agent_again(
    small: Annex, media: ExitStack, livekit_port: int, tmp_path: Path
) -> None:
    async def call() -> str:
        session = await dial(small)
        async with calling(small.ticket(session)) as caller:
            await is_heard_counting(caller)
            # A server that is asked to go tells its clients not to come back.
            kill_livekit(livekit_port)
            await asyncio.to_thread(media.close)
            await asyncio.to_thread(media.enter_context, livekit_server(tmp_path, livekit_port))
            back, upkeep = time.monotonic(), asyncio.create_task(keep_house(small))
            try:
                await caller.hears_after(back, within=60)
                await is_heard_counting(caller)
            finally:
                upkeep.cancel()
                await asyncio.gather(upkeep, return_exceptions=True)
            await asyncio.to_thread(small.end, session.id)
        return session.id

    ended = small.wait_until_archived(asyncio.run(call()), within=60)
    assert ended.reason == Reason.ENDED_BY_API
    log = small.events(ended.id)
    assert [event.type for event in log].count("session_ended") == 1
    eventually(lambda: not small.context.directory.count_live(), 10, "nobody is left")
