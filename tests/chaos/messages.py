"""How does a Celery message get lost, come late, or come twice? Somebody else takes it first.

Redis gives a message to whoever has waited longest for one, and workers ask anew every second. So
who just waits gets the next but a few.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from redis import Redis
from redis.exceptions import RedisError

QUEUES = ("sessions", "upkeep")

_WAIT_SECONDS = 10


def take_message(url: str, queue: str) -> str | None:
    """Return the next message in a queue that nobody else gets; ``None``: there was none."""
    with Redis.from_url(url, decode_responses=True, socket_timeout=_WAIT_SECONDS + 5) as redis:
        try:
            taken = redis.brpop([queue], timeout=_WAIT_SECONDS)
        except RedisError:
            return None
    return str(taken[1]) if isinstance(taken, Sequence) else None


def give_back(url: str, queue: str, message: str, *, times: int = 1) -> None:
    """Put a message where it was, so many times."""
    with Redis.from_url(url) as redis:
        for _ in range(30):
            try:
                redis.lpush(queue, *[message] * times)
            except RedisError:
                time.sleep(0.5)
            else:
                return
