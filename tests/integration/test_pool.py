"""Every call gets a fresh process, none waits for one while a slot is free, and none is forgotten.

With Celery's stock pool this fails: some messages wait seconds for a timer, others are
given to a process that has already served its one task.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from celery import Celery
from celery.platforms import EX_FAILURE
from redis import Redis

from tests.fixtures.redis import RedisServer
from tests.support.eventually import eventually
from tests.support.processes import running

PICKED_UP = "picked-up"
CALLS = 40

STOCK_TIMER_SECONDS = 5.0
"""How often Celery's own pool looks for children that have exited; a call waits as long for one."""

AT_ONCE_SECONDS = STOCK_TIMER_SECONDS / 3
"""Far more than our pool takes on a busy machine, and too little for that timer to have been it."""


@contextmanager
def pool_worker(pool: str, url: str, folder: Path) -> Iterator[None]:
    command = ["celery", "-A", "tests.support.pool_app", "worker", "-n", "pool@test", "-l", "info"]
    environment = {"POOL_BROKER": url, "POOL_CLASS": pool}
    log = folder / "pool.log"
    with running(
        "pool worker", command, log, lambda: b" ready." in log.read_bytes(), environment=environment
    ):
        yield


@pytest.fixture
def served(redis_server: RedisServer, tmp_path: Path) -> list[tuple[float, int]]:
    """Pick-up times in seconds and process ids of calls sent one after the other."""
    url = redis_server.database(2)
    redis = Redis.from_url(url, decode_responses=True)
    redis.flushdb()
    sender = Celery(broker=url)
    with pool_worker("workers.pool:TaskPool", url, tmp_path):
        for n in range(CALLS):
            sender.send_task("serve", args=[time.time()])
            eventually(lambda done=n: redis.llen(PICKED_UP) > done, 20, "the call is picked up")
    lines = [str(line).split() for line in redis.lrange(PICKED_UP, 0, -1)]
    redis.close()
    sender.close()
    return [(float(waited), int(pid)) for waited, pid in lines]


def test_pool_when_calls_come_back_to_back_then_each_has_a_process_of_its_own_at_once(
    served: list[tuple[float, int]],
) -> None:
    assert len({pid for _, pid in served}) == CALLS
    assert max(waited for waited, _ in served) < AT_ONCE_SECONDS


def test_worker_when_its_event_loop_fails_in_a_call_then_ends_at_once(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    url = redis_server.database(2)
    command = ["celery", "-A", "tests.support.failing_app", "worker", "-n", "failing", "-l", "info"]
    log = tmp_path / "failing.log"
    with running(
        "failing worker",
        command,
        log,
        lambda: b" ready." in log.read_bytes(),
        environment={"POOL_BROKER": url},
    ) as worker:
        with Celery(broker=url) as sender:
            sender.send_task("take_long")
        eventually(lambda: not worker.running, 30, "the worker has ended")
        assert worker.process.returncode == EX_FAILURE
        assert b"The event loop fails." in log.read_bytes()
