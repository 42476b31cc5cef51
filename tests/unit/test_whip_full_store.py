"""A Redis that takes nothing new keeps no caller by WHIP from the session they have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import pytest
from redis import Redis

from orchestrator.services import Services
from orchestrator.whip.joining import joining
from orchestrator.whip.turns import in_turn
from sessions.settings import Settings
from tests.fixtures.redis import RedisServer
from tests.support.own_redis import redis_in
from tests.support.ports import free_port


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis of this file: the house of other tests would feel that it is full."""
    port = free_port()
    with redis_in(tmp_path_factory.mktemp("full"), port) as child:
        yield RedisServer(port, child)


@contextmanager
def full(redis: Redis) -> Iterator[None]:
    redis.config_set("maxmemory", 1)
    try:
        yield
    finally:
        redis.config_set("maxmemory", 0)


class House:
    """As much of a house as these ask for."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self.redis = redis
        self.settings = settings


def test_offer_when_redis_is_full_then_it_joins_its_session_all_the_same(
    redis: Redis, settings: Settings
) -> None:
    house = cast("Services", House(redis, settings))
    done: list[str] = []
    with full(redis), joining(house, "session_1"), in_turn(house, "session_1"):
        done.append("answered")
    assert done == ["answered"]
    assert not redis.keys("session:session_1:*")
