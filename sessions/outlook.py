"""How long must a session still wait for an agent?

A call that ends frees its slot. So many slots, each held so long by the last calls: that says how
often one comes free, and whoever stands third in the queue waits for three of them.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import cast

from redis import Redis

from sessions import keys
from sessions.fleet import Fleet

_ENOUGH = 3
"""Of fewer calls than these nobody can tell how long calls last."""

_RECENT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Outlook:
    """How many slots are free, and in how many ms one more comes free (``None``: unknown)."""

    free: int
    pace: float | None

    def wait(self, position: int) -> int | None:
        """Return for how many ms whoever stands at ``position`` waits, or ``None``."""
        if position <= self.free:
            return 0
        return None if self.pace is None else int((position - self.free) * self.pace)


class Outlooks:
    """Looks at the workers and at the last calls."""

    def __init__(self, redis: Redis, fleet: Fleet) -> None:
        self._redis = redis
        self._fleet = fleet
        self._lock = threading.Lock()
        self._last: tuple[float, Outlook] | None = None

    def now(self) -> Outlook:
        """Return what can be said at this moment."""
        workers = self._fleet.taking_calls()
        slots, free = sum(one.slots for one in workers), sum(one.free for one in workers)
        held = cast("list[str]", self._redis.lrange(keys.SLOT_TIMES, 0, -1))
        known = slots and len(held) >= _ENOUGH
        return Outlook(free, sum(map(int, held)) / len(held) / slots if known else None)

    def recent(self) -> Outlook:
        """Return the same, read at most half a second ago: workers report no more often."""
        last = self._last
        if last is not None and time.monotonic() - last[0] < _RECENT_SECONDS:
            return last[1]
        with self._lock:
            if self._last is last:
                self._last = time.monotonic(), self.now()
            return cast("tuple[float, Outlook]", self._last)[1]
