"""How does Celery's prefork pool hand every call a fresh process within milliseconds?

The stock pool is slow with one task per child for two reasons, both measured: the exit of a child
is noticed by a timer that runs every 5 s, and a child that has served its one task counts as free,
is given the next job, and loses it until it is noticed. Here the pool is looked after every 0.02 s
and a served child never becomes available again.

It is also forgetful when the broker is lost: what a child has been given and has not yet confirmed
is struck off, and the child is given more. Here both stay known. And where a child has exited just
before the broker is back, it ends the worker; here that child is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import billiard.pool
from celery.concurrency import prefork
from celery.concurrency.asynpool import AsynPool

MAINTENANCE_SECONDS = 0.02

# A served child exits when its parent has read the result, and asks this often whether it has.
billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_INTERVAL = 0.005


class SingleUsePool(AsynPool):
    """The process pool under ``TaskPool``."""

    _maxtasksperchild: int | None
    _cache: dict[int, Any]
    _busy_workers: set[int]
    _pool: list[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self._maxtasksperchild == 1:
            self._mark_worker_as_available = self._keep_busy

    @property
    def timers(self) -> dict[Callable[[], None], float]:
        """Return what the worker's event loop calls, and every how many seconds."""
        return {self.maintain_pool: MAINTENANCE_SECONDS}

    def flush(self) -> None:
        """Let go of what no child has been given; the broker, or the reaper, sends it again."""
        waiting = [job for job in self._cache.values() if not job._write_to]
        given = {n: job for n, job in self._cache.items() if job._write_to and not job._accepted}
        untouched = {id(job._scheduled_for) for job in waiting}
        busy = [
            child
            for child in self._pool
            if child.inqW_fd in self._busy_workers and id(child) not in untouched
        ]
        super().flush()
        self._cache.update({n: job for n, job in given.items() if job._write_to._is_alive()})
        self._busy_workers.update(child.inqW_fd for child in busy if child._is_alive())

    def _track_child_process(self, proc: Any, hub: Any) -> None:
        """Watch for the exit of a child, unless it has been seen."""
        if getattr(proc, "_sentinel_poll", proc) is not None:
            super()._track_child_process(proc, hub)  # pyright: ignore[reportAttributeAccessIssue]

    def _keep_busy(self, fd: int) -> None:
        """Leave a child marked as busy: it exits as soon as its task has returned."""


class TaskPool(prefork.TaskPool):
    """The pool class named by ``worker_pool``."""

    Pool = SingleUsePool
