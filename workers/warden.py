"""How does a session worker say that it is alive, and keep order among its own children?

Every few seconds the parent writes its record, and compares each child that serves a call with the
session it serves. A child whose generation is over, or whose session has ended, has a grace time to
leave by itself and is then killed. Nobody signals a process of another machine.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any, cast

import structlog
from celery import bootsteps
from celery.worker import state as worker_state
from redis.exceptions import RedisError

from sessions.fleet import WorkerRecord
from sessions.settings import host_name
from sessions.states import State
from sessions.version import version
from workers.app import RUN_SESSION
from workers.context import Context, get_context
from workers.owner import boot_id

log = structlog.get_logger(__name__)


class Warden(bootsteps.StartStopStep):
    """A step of the Celery consumer with a timer of its own."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._timer: Any = None
        self._over_since: dict[str, float] = {}

    def start(self, parent: Any) -> None:
        """Report at once, so that calls can be taken, and then every few seconds."""
        self._look_after(parent)
        seconds = get_context().settings.worker_heartbeat_seconds
        self._timer = parent.timer.call_repeatedly(
            seconds, self._look_after, (parent,), priority=10
        )

    def stop(self, parent: Any) -> None:
        """Stop reporting."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_after(self, consumer: Any) -> None:
        context = get_context()
        requests = [r for r in worker_state.active_requests if r.name == RUN_SESSION]
        try:
            self._report(context, consumer, len(requests))
            self._police(context, requests)
        except RedisError as error:
            log.warning("warden_cannot_reach_redis", error=str(error))

    def _report(self, context: Context, consumer: Any, busy: int) -> None:
        context.fleet.report(
            WorkerRecord(
                name=consumer.hostname,
                host=host_name(),
                pid=os.getpid(),
                boot_id=boot_id(),
                version=version(),
                slots=consumer.pool.num_processes,
                busy=busy,
                heartbeat=context.store.now(),
            )
        )

    def _police(self, context: Context, requests: list[Any]) -> None:
        serving = [(r, *cast("tuple[str, int]", tuple(r.args))) for r in requests]
        sessions = context.directory.load_many([session_id for _, session_id, _ in serving])
        grace = context.settings.ending_grace_seconds
        seen: dict[str, float] = {}
        for (request, session_id, generation), session in zip(serving, sessions, strict=True):
            over = (
                session is None or session.generation != generation or session.state is State.ENDING
            )
            if not over:
                continue
            since = self._over_since.get(request.id, time.monotonic())
            seen[request.id] = since
            if time.monotonic() - since > grace and request.worker_pid:
                log.warning("child_killed", session_id=session_id, generation=generation)
                os.kill(request.worker_pid, signal.SIGKILL)
        self._over_since = seen
