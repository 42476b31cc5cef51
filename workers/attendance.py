"""How does the house know that somebody answers questions?

A worker that listens to the queue ``answers`` says every few seconds that it does, and makes itself
ready for its first question.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import structlog
from celery import bootsteps
from redis.exceptions import RedisError

from sessions.questions.attendance import Attendance
from workers.answering import answerer
from workers.context import get_context

_WAITING_FOR_EACH_THREAD = 32

log = structlog.get_logger(__name__)


class Attending(bootsteps.StartStopStep):
    """A step of the Celery consumer with a timer of its own."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._timer: Any = None
        self._attendance: Attendance | None = None

    def start(self, parent: Any) -> None:
        """Say so at once, and then every few seconds."""
        context = get_context()
        self._attendance = Attendance(context.redis, context.settings)
        threading.Thread(target=_prepare, name="prepare-answers", daemon=True).start()
        self._attend(parent.hostname)
        seconds = context.settings.worker_heartbeat_seconds
        self._timer = parent.timer.call_repeatedly(seconds, self._attend, (parent.hostname,))

    def stop(self, parent: Any) -> None:
        """Say no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._attendance is not None:
            _tell(self._attendance.leave, parent.hostname)

    def _attend(self, name: str) -> None:
        if self._attendance is not None:
            _tell(self._attendance.attend, name)


def answers_questions(celery_app: Any) -> bool:
    """Tell whether a worker answers: it does if it listens to the queue ``answers``."""
    return "answers" in celery_app.amqp.queues.consume_from


def take_ahead(worker: Any) -> None:
    """Let a worker that takes no calls have messages wait for a free thread inside it.

    One that takes no more than it has threads asks the broker again only every second or two: so
    many questions at once would wait for that, and not for their turn.
    """
    worker.app.conf.worker_disable_prefetch = False
    worker.prefetch_multiplier = _WAITING_FOR_EACH_THREAD


def _tell(verb: Callable[[str], None], name: str) -> None:
    try:
        verb(name)
    except RedisError as error:
        log.warning("attendance_not_told", error=str(error))


def _prepare() -> None:
    """Load what the first question would wait for; what cannot be loaded yet comes later."""
    try:
        answerer().preload([get_context().settings.default_knowledge])
    except Exception:
        log.exception("answers_not_prepared")
