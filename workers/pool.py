"""How does Celery's prefork pool hand every call a fresh process within milliseconds?

The stock pool is slow with one task per child for two reasons, both measured: the exit of a child
is noticed by a timer that runs every 5 s, and a child that has served its one task counts as free,
is given the next job, and loses it until it is noticed. Here the pool is looked after every 0.02 s
and a served child never becomes available again.
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self._maxtasksperchild == 1:
            self._mark_worker_as_available = self._keep_busy

    @property
    def timers(self) -> dict[Callable[[], None], float]:
        """Return what the worker's event loop calls, and every how many seconds."""
        return {self.maintain_pool: MAINTENANCE_SECONDS}

    def _keep_busy(self, fd: int) -> None:
        """Leave a child marked as busy: it exits as soon as its task has returned."""


class TaskPool(prefork.TaskPool):
    """The pool class named by ``worker_pool``."""

    Pool = SingleUsePool
