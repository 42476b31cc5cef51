"""Is anybody there who answers questions?"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from redis import Redis

from sessions import keys
from sessions.clock import RedisClock
from sessions.settings import Settings


class Attendance:
    """The workers that answer, each with the moment it last said so."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._clock = RedisClock(redis)
        self._lost_ms = settings.worker_lost_seconds * 1000

    def attend(self, name: str) -> None:
        """Note that the worker ``name`` is there, and forget those that are not any longer."""
        now = self._clock.now()
        with self._redis.pipeline() as pipeline:
            pipeline.zadd(keys.ANSWERERS, {name: now})
            pipeline.zremrangebyscore(keys.ANSWERERS, "-inf", now - self._lost_ms)
            pipeline.pexpire(keys.ANSWERERS, keys.INDEX_TTL_MS)
            pipeline.execute()

    def leave(self, name: str) -> None:
        """Note that the worker ``name`` goes."""
        self._redis.zrem(keys.ANSWERERS, name)

    def count(self) -> int:
        """Return how many workers are there."""
        return self._redis.zcount(keys.ANSWERERS, self._clock.now() - self._lost_ms, "+inf")
