"""How long does a call wait for a process, when calls come back to back on three slots?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from celery import Celery
from redis import Redis

from bench.house import SLOTS
from bench.measuring import Goal, Row, median, percentile
from tests.fixtures.house import House
from tests.support.eventually import eventually
from tests.support.processes import running

TURNS = 4
CALLS_A_TURN = {"workers.pool:TaskPool": 25, "prefork": 5}
PICKED_UP = "picked-up"
HOW = (
    f"{SLOTS} single-use processes and a task that only notes when it began; the next message is "
    "sent as soon as that of the one before is there. Our pool and Celery's stock pool, each with "
    f"a worker and a database of its own, take {TURNS} turns of "
    f"{' and '.join(map(str, CALLS_A_TURN.values()))} calls. From just before `send_task` to the "
    "first line of the task."
)
MISSED = (
    "calls that come faster than three slots can exit, fork and warm up wait for one; more slots "
    "than calls at once, or calls that last longer than that, do not meet it."
)


@dataclass(frozen=True)
class Pool:
    """A worker with one of the pools."""

    redis: Redis
    celery: Celery

    def serve(self, calls: int) -> list[float]:
        """Send calls one after the other; return how long each waited, in milliseconds."""
        self.redis.delete(PICKED_UP)
        for n in range(calls):
            self.celery.send_task("serve", args=[time.time()])
            eventually(lambda done=n: self.redis.llen(PICKED_UP) > done, 20, step=0.002)
        lines = self.redis.lrange(PICKED_UP, 0, -1)
        return [float(str(line).split()[0]) * 1000 for line in lines]


def measure(house: House) -> list[Row]:
    """Measure both pools, taking turns."""
    address = house.settings.redis_url.rpartition("/")[0]
    waited: dict[str, list[float]] = {name: [] for name in CALLS_A_TURN}
    with ExitStack() as stack:
        pools = {
            name: stack.enter_context(_pool(house, name, f"{address}/{5 + n}"))
            for n, name in enumerate(CALLS_A_TURN)
        }
        for _ in range(TURNS):
            for name, calls in CALLS_A_TURN.items():
                waited[name] += pools[name].serve(calls)
    ours, stock = waited.values()
    name, theirs = "pick-up, back to back", "Celery's pool"
    return [
        Row(
            f"{name}, p99",
            "ms",
            percentile(ours, 99),
            theirs,
            percentile(stock, 99),
            Goal(at_most=150),
        ),
        Row(f"{name}, p50", "ms", median(ours), theirs, median(stock)),
    ]


@contextmanager
def _pool(house: House, pool: str, url: str) -> Iterator[Pool]:
    name = f"pool-{pool.partition(':')[0]}"
    log = house.folder / f"{name}.log"
    command = ["celery", "-A", "tests.support.pool_app", "worker", "-n", f"{name}@b", "-l", "info"]
    with (
        running(
            name,
            command,
            log,
            lambda: b" ready." in log.read_bytes(),
            environment={"POOL_BROKER": url, "POOL_CLASS": pool},
        ),
        Redis.from_url(url, decode_responses=True) as redis,
        Celery(broker=url) as celery,
    ):
        yield Pool(redis, celery)
