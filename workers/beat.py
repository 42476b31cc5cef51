"""How does beat outlive a Redis that is away for a while, or that comes back empty?

redbeat's own scheduler ends its process when it cannot prolong its lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import structlog
from redbeat.schedulers import RedBeatScheduler, acquire_distributed_beat_lock
from redis.exceptions import LockError

from sessions.connections import REDIS_AWAY

log = structlog.get_logger(__name__)

_RETRY_SECONDS = 1.0


class Scheduler(RedBeatScheduler):
    """The scheduler named by ``beat_scheduler``; only the holder of the lock ticks."""

    def setup_schedule(self) -> None:
        """Write the schedule, now or as soon as Redis is there."""
        with self._waiting_for_redis():
            super().setup_schedule()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due, and return in how many seconds to look again."""
        if self.lock is None:
            return self._start_over()
        with self._waiting_for_redis():
            try:
                return super().tick(*args, **kwargs)
            except LockError:
                return self._start_over()
        return _RETRY_SECONDS

    def close(self) -> None:
        """Give the lock back, if Redis is there to take it."""
        with self._waiting_for_redis():
            super().close()

    def _start_over(self) -> float:
        """Wait for the lock as at the start, and write the schedule in case Redis has lost it."""
        with self._waiting_for_redis():
            acquire_distributed_beat_lock(SimpleNamespace(scheduler=self))
            self.setup_schedule()
            log.info("beat_lock_acquired")
        return _RETRY_SECONDS

    @staticmethod
    @contextmanager
    def _waiting_for_redis() -> Iterator[None]:
        try:
            yield
        except REDIS_AWAY as error:
            log.warning("beat_waits_for_redis", error=str(error))
