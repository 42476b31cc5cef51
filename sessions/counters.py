"""How often has something been found out of order and mended?"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from typing import cast

from redis import Redis

from sessions import keys

_TTL_SECONDS = 30 * 24 * 3600


def count_drift(redis: Redis, kind: str) -> None:
    """Count one case of a kind of drift."""
    with redis.pipeline() as pipeline:
        pipeline.hincrby(keys.DRIFT, kind, 1)
        pipeline.expire(keys.DRIFT, _TTL_SECONDS)
        pipeline.execute()


def drift_counts(redis: Redis) -> dict[str, int]:
    """Return how many cases of each kind of drift have been mended."""
    fields = cast("dict[str, str]", redis.hgetall(keys.DRIFT))
    return {kind: int(count) for kind, count in fields.items()}
