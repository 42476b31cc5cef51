"""A session worker is told to stop: what becomes of its calls?

It takes no more. Each call is offered to the other workers, and changes hands as soon as one of
them has a process free and the two who talk are silent (``agents.voice.handing_over``). Where
nobody is free the call goes on here. After ``drain_limit_seconds`` what is left is cut and goes on
where and when a worker is free.

Celery's own warm shutdown would wait for the calls with its event loop at a stand: nobody would
report, nor notice the death of a child. So it begins only when no call is left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Any

import structlog
from celery.worker import state as worker_state
from redis.exceptions import RedisError

from sessions.handing_over import Handover
from sessions.logs import about
from sessions.outcomes import Refusal
from sessions.states import State
from workers.app import nudge
from workers.context import Context
from workers.serving import Served

log = structlog.get_logger(__name__)

STEP_SECONDS = 0.2
CUT = "drain_limit"
"""Why another agent comes where nobody could take the call over in good order."""

_SPARE_SECONDS = 5.0
_SIGNALS = {signal.SIGTERM: 1, signal.SIGINT: 1, signal.SIGQUIT: 2}
"""How urgent each is: from 2 on nobody is waited for."""

_urgency = 0


def listen_for_signals() -> None:
    """Let the signals that stop a worker begin its draining; the second one ends that."""

    def on_signal(number: int, _: object) -> None:
        global _urgency
        _urgency += _SIGNALS[signal.Signals(number)]

    for number in _SIGNALS:
        signal.signal(number, on_signal)


def _end_without_redis(*_: object) -> None:
    """End the worker although its event loop stands still, as it does while the broker is away."""
    worker_state.should_terminate = os.EX_OK


def drain() -> None:
    """Begin to drain, as the first signal does."""
    global _urgency
    _urgency = max(_urgency, 1)


def is_draining() -> bool:
    """Tell whether this worker takes no more calls."""
    return _urgency > 0


class Drain:
    """The end of one worker, step by step; nothing happens before ``is_draining``."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._handover = Handover(context.redis, context.settings)
        self._until = 0.0
        self._offered: dict[str, float] = {}
        self._left: set[int] = set()
        self.waits_for = ""
        """Why calls are left, in a sentence for people; empty where there is no reason to wait."""

    @property
    def began(self) -> bool:
        """Tell whether the worker has stopped taking calls."""
        return self._until > 0

    @property
    def seconds_left(self) -> float:
        """Return how long others may still take calls over."""
        return max(0.0, self._until - time.monotonic())

    def begin(self, consumer: Any, calls: int) -> None:
        """Take no more calls."""
        limit = self._context.settings.drain_limit_seconds
        self._until = time.monotonic() + limit
        consumer.cancel_task_queue("sessions")
        signal.signal(signal.SIGALRM, _end_without_redis)
        signal.setitimer(signal.ITIMER_REAL, limit + _SPARE_SECONDS)
        log.warning("drain_begins", calls=calls, limit_seconds=limit)

    def step(self, served: list[Served]) -> None:
        """Get a little further with the calls that are left, or end them if it is time."""
        if _urgency > 1 or not self.seconds_left:
            self._cut(served)
            return
        self._offer(served)

    def _offer(self, served: list[Served]) -> None:
        context = self._context
        sessions = context.directory.load_many([one.call.session_id for one in served])
        free = sum(worker.free for worker in context.fleet.taking_calls())
        waiting = 0
        for one, session in zip(served, sessions, strict=True):
            if one.stands_by(session):
                # Whoever else is free shall; this one is to go as well.
                _kill(one)
                continue
            if session is None or session.state is State.ENDING:
                continue
            there = self._handover.invite(one.call.session_id, one.call.generation)
            if there is False:
                waiting += 1
                self._send(one, free=free > 0)
        self._tell(waiting if not free else 0)

    def _send(self, one: Served, *, free: bool) -> None:
        """Ask for a process: the first time, and now and then where one is free."""
        last, now = self._offered.get(one.task_id), time.monotonic()
        if last is None or (free and now - last > self._context.settings.renudge_seconds):
            self._offered[one.task_id] = now
            nudge(one.call.session_id, one.call.generation + 1)

    def _tell(self, waiting: int) -> None:
        calls = f"{waiting} call{'s' if waiting > 1 else ''}"
        reason = f"No other worker has a slot free for {calls}." if waiting else ""
        if reason and not self.waits_for:
            log.warning("drain_waits", calls=waiting, seconds_left=round(self.seconds_left))
        self.waits_for = reason

    def _cut(self, served: list[Served]) -> None:
        """Leave the calls to whoever is free, now or soon."""
        for one in served:
            if one.call.pid in self._left:
                continue
            self._left.add(one.call.pid)
            session_id, generation = one.call.session_id, one.call.generation
            try:
                with about(self._context.directory.load(session_id)):
                    log.warning("call_cut", session_id=session_id, generation=generation)
                recovered = self._context.store.recover(
                    session_id, CUT, generation=generation, unless_leased=False, counts=False
                )
                if not isinstance(recovered, Refusal):
                    nudge(session_id, recovered)
            except RedisError as error:
                # The reaper will find a session whose lease has run out.
                log.warning("call_not_offered", session_id=session_id, error=str(error))
            _kill(one)


def _kill(one: Served) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(one.call.pid, signal.SIGKILL)


def stop_worker() -> None:
    """Let Celery shut the worker down."""
    worker_state.should_stop = os.EX_OK
