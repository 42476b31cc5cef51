"""What can be out of order, and how often has it been found so and mended?"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from enum import StrEnum
from typing import cast

from redis import Redis

from sessions import keys

_TTL_SECONDS = 30 * 24 * 3600


class Drift(StrEnum):
    """The ways in which Redis, the workers' processes and LiveKit's rooms come to disagree."""

    SESSION_WITHOUT_AGENT = "session_without_agent"
    AGENT_WITHOUT_SESSION = "agent_without_session"
    TWO_AGENTS = "two_agents"
    ROOM_WITHOUT_SESSION = "room_without_session"
    LEASE_WITHOUT_PROCESS = "lease_without_process"
    PROCESS_WITHOUT_LEASE = "process_without_lease"
    COUNT_OFF = "count_off"
    INDEX_WITHOUT_SESSION = "index_without_session"
    KEY_WITHOUT_TTL = "key_without_ttl"


def count_drift(redis: Redis, kind: Drift) -> None:
    """Count one case of a kind of drift."""
    with redis.pipeline() as pipeline:
        pipeline.hincrby(keys.DRIFT, kind, 1)
        pipeline.expire(keys.DRIFT, _TTL_SECONDS)
        pipeline.execute()


def drift_counts(redis: Redis) -> dict[Drift, int]:
    """Return how many cases of each kind of drift have been mended, 0 where there was none."""
    fields = cast("dict[str, str]", redis.hgetall(keys.DRIFT))
    return {kind: int(fields.get(kind, 0)) for kind in Drift}
