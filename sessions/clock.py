"""What time is it for Redis, whose clock is the only one that deadlines go by?"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import time

from redis import Redis

_TRUSTED_MS = 10_000
# Unlike CLOCK_MONOTONIC it goes on while the machine sleeps.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class RedisClock:
    """Redis's clock, read every few seconds and kept up with replies that carry a time.

    A failover may bring a Redis whose clock shows another time, so no reading is trusted for long.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._offset_ms = 0
        self._learned_at: int | None = None

    def now(self) -> int:
        """Return Redis's Unix time in milliseconds, right to about one round trip."""
        if self._learned_at is None or _local_ms() - self._learned_at > _TRUSTED_MS:
            seconds, micros = self._redis.time()
            self.learn(seconds * 1000 + micros // 1000)
        return _local_ms() + self._offset_ms

    def learn(self, redis_ms: int) -> None:
        """Take note of what Redis's clock showed a moment ago."""
        self._learned_at = _local_ms()
        self._offset_ms = redis_ms - self._learned_at


def _local_ms() -> int:
    return time.clock_gettime_ns(_CLOCK) // 1_000_000
