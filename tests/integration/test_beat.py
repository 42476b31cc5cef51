"""Beat sends its jobs whatever happens to Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis
from redis.exceptions import RedisError

from sessions import keys
from tests.support.eventually import eventually
from tests.support.own_redis import OwnRedis
from tests.support.processes import Child, start
from tests.support.settings import environment_of, settings_with


def jobs(own_redis: OwnRedis) -> int:
    """Take what beat has sent to the upkeep worker, and return how much that was."""
    with Redis.from_url(own_redis.url) as redis:
        try:
            sent = int(redis.llen("upkeep"))
            redis.delete("upkeep")
        except RedisError:
            return 0
    return sent


def start_beat(own_redis: OwnRedis, log: Path) -> Child:
    environment = environment_of(settings_with(redis_url=own_redis.url))
    return start("beat", ["celery", "-A", "workers.app", "beat"], log, environment=environment)


@pytest.fixture
def beat(own_redis: OwnRedis, tmp_path: Path) -> Iterator[Child]:
    """A beat that is started while Redis is away."""
    child = start_beat(own_redis, tmp_path / "beat.log")
    yield child
    child.stop()


def test_beat_when_there_are_two_then_one_sends_and_the_other_takes_over_from_it(
    own_redis: OwnRedis, beat: Child, tmp_path: Path
) -> None:
    with own_redis.up(), Redis.from_url(own_redis.url) as redis:
        eventually(lambda: jobs(own_redis), 40, "beat sends its jobs")
        holder = redis.get(keys.BEAT_LOCK)
        assert holder
        second = start_beat(own_redis, tmp_path / "second.log")
        try:
            eventually(lambda: is_connected(second, own_redis.port), 40, "the second is up")
            for _ in range(2):
                eventually(lambda: jobs(own_redis), 40, "jobs are sent")
                assert redis.get(keys.BEAT_LOCK) == holder
            beat.stop()
            eventually(lambda: jobs(own_redis), 40, "the second sends them")
            assert redis.get(keys.BEAT_LOCK) not in {None, holder}
        finally:
            second.stop()


def is_connected(child: Child, port: int) -> bool:
    connections = psutil.Process(child.pid).net_connections(kind="tcp")
    return any(one.raddr and one.raddr.port == port for one in connections)


def test_beat_when_redis_comes_late_goes_and_comes_back_empty_then_goes_on(
    own_redis: OwnRedis, beat: Child
) -> None:
    eventually(lambda: "beat_waits_for_redis" in beat.tail(), 30, "beat has missed Redis")
    with own_redis.up():
        eventually(lambda: jobs(own_redis), 40, "beat sends its jobs")
    with own_redis.up():
        eventually(lambda: jobs(own_redis), 40, "beat sends its jobs after a restart")
    own_redis.forget()
    with own_redis.up():
        eventually(
            lambda: jobs(own_redis), 40, "beat sends its jobs to a Redis that has lost everything"
        )
    assert beat.running
