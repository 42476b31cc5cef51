"""How does a session worker say that it is alive, and keep order among its own children?

Every few seconds the parent writes its record, and compares each child that serves a call with the
session it serves. A child whose generation is over, whose session has ended or whose lease is that
of another process, has a grace time to leave by itself and is then killed. Nobody signals a process
of another machine.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from typing import Any

import structlog
from celery import bootsteps
from celery.worker import state as worker_state
from redis.exceptions import RedisError

from sessions.counters import Drift
from sessions.fleet import BusyCall, WorkerRecord
from sessions.logs import about
from sessions.settings import host_name
from sessions.version import version
from workers.app import RUN_SESSION
from workers.context import Context, get_context
from workers.draining import (
    STEP_SECONDS,
    Drain,
    drain,
    is_draining,
    listen_for_signals,
    stop_worker,
)
from workers.drift import report_mended
from workers.owner import boot_id, process_start
from workers.serving import Served, served_by

log = structlog.get_logger(__name__)


class Warden(bootsteps.StartStopStep):
    """A step of the Celery consumer with a timer of its own."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._timers: list[Any] = []
        self._over_since: dict[str, float] = {}
        self._drain = Drain(get_context())
        self._said: tuple[object, ...] = ()

    def start(self, parent: Any) -> None:
        """Report at once, so that calls can be taken, and then every few seconds."""
        listen_for_signals()
        self._look_after(parent)
        seconds = get_context().settings.worker_heartbeat_seconds
        self._timers = [
            parent.timer.call_repeatedly(every, work, (parent,), priority=10)
            for every, work in ((seconds, self._look_after), (STEP_SECONDS, self._step))
        ]

    def stop(self, parent: Any) -> None:
        """Stop reporting."""
        for timer in self._timers:
            timer.cancel()
        self._timers = []
        if is_draining() and not served_by(_requests(worker_state.active_requests)):
            # The broker has gone, and there is no call for whose sake to wait for it.
            stop_worker()

    def _look_after(self, consumer: Any) -> None:
        context = get_context()
        requests = _requests(worker_state.active_requests)
        served = served_by(requests)
        try:
            context.pulse.beat()
            if context.fleet.is_asked_to_drain(consumer.hostname, process_start(os.getpid())):
                drain()
            self._report(context, consumer, len(requests), served)
            self._police(context, served)
        except RedisError as error:
            log.warning("warden_cannot_reach_redis", error=str(error))

    def _step(self, consumer: Any) -> None:
        """Drain, if it is time for that; let everybody know at once of slots taken and freed."""
        requests = _requests(worker_state.active_requests)
        try:
            if is_draining():
                if not self._drain.began:
                    self._drain.begin(consumer, len(requests))
                self._drain.step(served_by(requests))
                if not _requests(worker_state.reserved_requests):
                    stop_worker()
            said = (len(requests), self._drain.began, self._drain.waits_for)
            if said != self._said:
                self._said = said
                self._report(get_context(), consumer, len(requests), served_by(requests))
        except RedisError as error:
            log.warning("warden_cannot_reach_redis", error=str(error))

    def _report(self, context: Context, consumer: Any, busy: int, served: list[Served]) -> None:
        now = context.store.now()
        context.fleet.report(
            WorkerRecord(
                name=consumer.hostname,
                host=host_name(),
                pid=os.getpid(),
                boot_id=boot_id(),
                version=version(),
                slots=consumer.pool.num_processes,
                busy=busy,
                heartbeat=now,
                started=process_start(os.getpid()),
                calls=tuple(one.call for one in served),
                draining=is_draining(),
                drain_ends=now + round(self._drain.seconds_left * 1000),
                waits_for=self._drain.waits_for,
            )
        )

    def _police(self, context: Context, served: list[Served]) -> None:
        sessions = context.directory.load_many([one.call.session_id for one in served])
        grace = context.settings.ending_grace_seconds
        over_since: dict[str, float] = {}
        for one, session in zip(served, sessions, strict=True):
            if not one.is_over(session):
                continue
            since = self._over_since.get(one.task_id, time.monotonic())
            over_since[one.task_id] = since
            if time.monotonic() - since > grace:
                with about(session):
                    self._kill(context, one.call, one.drift(session))
        self._over_since = over_since

    def _kill(self, context: Context, call: BusyCall, drift: Drift | None) -> None:
        log.warning("child_killed", session_id=call.session_id, generation=call.generation)
        os.kill(call.pid, signal.SIGKILL)
        if drift is not None:
            report_mended(context, drift, session_id=call.session_id, generation=call.generation)


def _requests(known: Iterable[Any]) -> list[Any]:
    return [request for request in known if request.name == RUN_SESSION]
