"""Whose clock counts: Redis's, also after this machine has slept or Redis has moved."""

from __future__ import annotations

import pytest
from redis import Redis

from sessions import clock
from sessions.clock import RedisClock


def redis_ms(redis: Redis) -> int:
    seconds, micros = redis.time()
    return seconds * 1000 + micros // 1000


def test_clock_when_read_then_shows_the_time_of_redis(redis: Redis) -> None:
    assert abs(RedisClock(redis).now() - redis_ms(redis)) < 1000


def test_clock_when_its_reading_is_old_then_reads_again(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = RedisClock(redis)
    ours.learn(redis_ms(redis) - 3_600_000)
    assert redis_ms(redis) - ours.now() > 3_000_000
    monkeypatch.setattr(clock, "_TRUSTED_MS", -1)
    assert abs(ours.now() - redis_ms(redis)) < 1000
