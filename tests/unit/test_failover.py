"""A Redis that fails over sends away whoever waits for it: they take it for away, and no worse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import pytest
from redis import Redis

from sessions.connections import REDIS_AWAY, connect_async_blocking, connect_blocking
from sessions.control import ControlReader
from sessions.handing_over import Handover
from sessions.ids import new_session_id
from sessions.settings import Settings
from tests.support.eventually import eventually
from tests.support.own_redis import OwnRedis
from tests.support.settings import settings_with
from workers.webhooks.relay import Relay

WAIT_SECONDS = 20.0


def control(settings: Settings) -> object:
    async def wait() -> object:
        async with connect_async_blocking(settings, WAIT_SECONDS) as redis:
            return await ControlReader(redis, new_session_id(), 0).wait(WAIT_SECONDS)

    return asyncio.run(wait())


def events(settings: Settings) -> object:
    handover = Handover(connect_blocking(settings, WAIT_SECONDS), settings)
    while True:
        handover.wait_for_event(new_session_id(), "0")


def outbox(settings: Settings) -> object:
    redis = connect_blocking(settings, WAIT_SECONDS)
    return Relay(redis, Mock(), Mock(), Mock(), Mock()).turn(WAIT_SECONDS)


@pytest.mark.parametrize("wait", [control, events, outbox])
def test_reader_when_redis_fails_over_then_takes_it_for_away(
    own_redis: OwnRedis, wait: Callable[[Settings], object]
) -> None:
    settings = settings_with(redis_url=own_redis.url)
    with own_redis.up(), ThreadPoolExecutor(1) as threads, Redis.from_url(own_redis.url) as redis:
        reading = threads.submit(wait, settings)

        def fails_over() -> bool:
            # Between two reads nobody is sent away.
            if redis.info("clients")["blocked_clients"]:
                redis.replicaof("127.0.0.1", "1")
                redis.replicaof("no", "one")
            return reading.done()

        eventually(fails_over, what="it is sent away")
        with pytest.raises(REDIS_AWAY):
            reading.result(WAIT_SECONDS)
