"""Beat sends its jobs whatever happens to Redis."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.fixtures.redis import answers_ping
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.processes import ROOT, Child, running, start
from tests.support.settings import environment_of, settings_with


class OwnRedis:
    """A Redis that may come and go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def up(self) -> AbstractContextManager[Child]:
        """Keep it running for the length of a block; it comes back with what it had."""
        environment = {
            "SWITCHBOARD_REDIS_PORT": str(self.port),
            "SWITCHBOARD_REDIS_DIR": str(self.folder / "data"),
        }
        return running(
            "redis",
            [ROOT / "deploy/dev/redis"],
            self.folder / "redis.log",
            lambda: answers_ping(self.url),
            environment=environment,
        )

    def forget(self) -> None:
        """Lose everything, while it is down."""
        shutil.rmtree(self.folder / "data")

    def jobs(self) -> int:
        """Take what beat has sent to the upkeep worker, and return how much that was."""
        with Redis.from_url(self.url) as redis:
            try:
                sent = int(redis.llen("upkeep"))
                redis.delete("upkeep")
            except RedisError:
                return 0
        return sent


@pytest.fixture
def own_redis(tmp_path: Path) -> OwnRedis:
    return OwnRedis(tmp_path)


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
        eventually(own_redis.jobs, 40, "beat sends its jobs")
    with own_redis.up():
        eventually(own_redis.jobs, 40, "beat sends its jobs after a restart")
    own_redis.forget()
    with own_redis.up():
        eventually(own_redis.jobs, 40, "beat sends its jobs to a Redis that has lost everything")
    assert beat.running
