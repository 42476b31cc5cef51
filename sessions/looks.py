"""Which sessions shall somebody look at now, because LiveKit has reported something of them?

A report changes nothing by itself: it only has the session looked at sooner than the reconciler
would. However many come, there is one message at a time that asks for the looks.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from typing import cast

from redis import Redis

from sessions import keys

REMEMBERED_SECONDS = 900
"""How long a report is known again; longer than its signature is valid."""

_ASKED_MS = 10_000
"""A message that nobody has taken after so long is sent again."""


class Looks:
    """The sessions that wait to be looked at."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def is_replay(self, report_id: str) -> bool:
        """Remember a report; tell whether it was known already."""
        new = self._redis.set(keys.heard(report_id), "1", nx=True, ex=REMEMBERED_SECONDS)
        return not new

    def want(self, session_id: str, now: int) -> None:
        """Have a session looked at; once is enough, however often this is said before."""
        with self._redis.pipeline() as pipeline:
            pipeline.zadd(keys.LOOKS, {session_id: now}, nx=True)
            pipeline.pexpire(keys.LOOKS, keys.INDEX_TTL_MS)
            pipeline.execute()

    def is_first(self) -> bool:
        """Tell whether sessions wait and nobody has been asked yet; from now on somebody has."""
        if not self._redis.zcard(keys.LOOKS):
            return False
        return bool(self._redis.set(keys.LOOKING, "1", nx=True, px=_ASKED_MS))

    def take(self, most: int) -> list[str]:
        """Return the sessions that have waited longest; nobody else is given them."""
        self._redis.pexpire(keys.LOOKING, _ASKED_MS)
        taken = cast("list[tuple[str, float]]", self._redis.zpopmin(keys.LOOKS, most))
        return [session_id for session_id, _ in taken]

    def done(self) -> None:
        """Say that nobody looks any more, so that the next who wants it asks again."""
        self._redis.delete(keys.LOOKING)
