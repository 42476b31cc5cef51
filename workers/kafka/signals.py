"""When does the relay run? As long as a worker listens to the queue `answers`.

It starts when the worker is ready, so after every fork, and only in a pool of threads: what a
process forks later would inherit the locks of librdkafka in whatever state they are.
"""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

import structlog
from celery.concurrency.thread import TaskPool
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down

from sessions.settings import TaskTransport, get_settings
from workers.attendance import answers_questions

log = structlog.get_logger(__name__)

_END_SECONDS = 10.0
_RETRY_SECONDS = 2.0

_stop = Event()
_thread: Thread | None = None


@worker_ready.connect
def _start_relay(sender: Any, **_: Any) -> None:
    over_kafka = get_settings().task_transport is TaskTransport.KAFKA
    if not over_kafka or not answers_questions(sender.app):
        return
    if not isinstance(sender.pool, TaskPool):
        log.error("relay_not_started", why="The worker for `answers` needs threads: -P threads.")
        return
    global _thread
    _thread = Thread(target=_relay, name="kafka-relay", daemon=True)
    _thread.start()


@worker_shutting_down.connect
def _tell_relay(**_: Any) -> None:
    _stop.set()


@worker_shutdown.connect
def _wait_for_relay(**_: Any) -> None:
    _stop.set()
    if _thread is not None:
        _thread.join(_END_SECONDS)


def _relay() -> None:
    from workers.context import get_context
    from workers.kafka.relay import Relay

    context = get_context()
    while not _stop.is_set():
        try:
            Relay(context.settings, context.redis, context.desk.answer).run(_stop)
        # A relay that has failed starts over; what it had not committed comes again.
        except Exception:
            log.exception("relay_failed")
            _stop.wait(_RETRY_SECONDS)
