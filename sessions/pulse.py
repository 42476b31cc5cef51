"""Has the house just been cut off from Redis, so that leases have run out that nobody could renew?

Every worker and the reaper leave a sign of life every two seconds. Where none was left for half
a lease, Redis was away, or out of everybody's reach: its agents talk on, and renew theirs within
another half once it is back. Until then a lease that has run out says nothing about its agent.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json

from redis import Redis

from sessions import keys
from sessions.scripts import Script
from sessions.settings import Settings


class Pulse:
    """The signs of life of everybody who works on this Redis."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._script = Script(redis, "pulse")
        half = round(settings.lease_seconds * 1000 / 2)
        self._args = json.dumps({"silence": half, "patience": half, "ttl": keys.INDEX_TTL_MS})

    def beat(self) -> bool:
        """Leave a sign of life; tell whether agents may still have had no time to renew."""
        return bool(self._script(keys=[keys.PULSE, keys.CUT_OFF], args=[self._args]))
