"""What does the house know of Kafka? What the relay, which reads the answers there, last said."""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import cast

from redis import Redis

from sessions import keys

REPORT_SECONDS = 2.0
"""How often a relay reports."""

_TTL_MS = 10_000


@dataclass(frozen=True, slots=True)
class RelayReport:
    """How Kafka looks to a relay. ``trouble`` is empty where a broker answers."""

    trouble: str
    bridges: int


def report_relay(redis: Redis, report: RelayReport) -> None:
    """Say how Kafka looks now; it is believed for some seconds."""
    redis.set(keys.RELAY, json.dumps(asdict(report)), px=_TTL_MS)


def read_relay(redis: Redis) -> RelayReport | None:
    """Return what a relay said lately, or ``None`` if there was none."""
    text = cast("str | None", redis.get(keys.RELAY))
    return RelayReport(**json.loads(text)) if text else None
