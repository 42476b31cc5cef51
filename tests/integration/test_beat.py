"""Beat sends its jobs whatever happens to Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

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


@pytest.fixture
def beat(own_redis: OwnRedis, tmp_path: Path) -> Iterator[Child]:
    """A beat that is started while Redis is away."""
    environment = environment_of(settings_with(redis_url=own_redis.url))
    child = start(
        "beat", ["celery", "-A", "workers.app", "beat"], tmp_path / "beat.log",
        environment=environment,
    )  # fmt: skip
    yield child
    child.stop()


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
