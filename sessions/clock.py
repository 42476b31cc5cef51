"""What time is it for Redis, whose clock is the only one that deadlines go by?"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import time

from redis import Redis


class RedisClock:
    """Redis's clock, read once and then kept up with each reply that carries a time."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._offset_ms: int | None = None

    def now(self) -> int:
        """Return Redis's Unix time in milliseconds, right to about one round trip."""
        if self._offset_ms is None:
            seconds, micros = self._redis.time()
            self.learn(seconds * 1000 + micros // 1000)
        return _monotonic_ms() + (self._offset_ms or 0)

    def learn(self, redis_ms: int) -> None:
        """Take note of what Redis's clock showed a moment ago."""
        self._offset_ms = redis_ms - _monotonic_ms()


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
