"""When are webhooks delivered? As long as a worker listens to the queue ``upkeep``.

The threads start when the worker is ready, and only in a pool of threads. They share nothing with
its tasks but the clients: a call, or the end of one, never waits for an endpoint.
"""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import structlog
from celery.concurrency.thread import TaskPool
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.webhooks.sender import Sender

log = structlog.get_logger(__name__)

_END_SECONDS = 5.0
_RETRY_SECONDS = 2.0

_stop = Event()
_threads: list[Thread] = []
_sender: Sender | None = None


@worker_ready.connect
def _start(sender: Any, **_: Any) -> None:
    if "upkeep" not in sender.app.amqp.queues.consume_from:
        return
    if not isinstance(sender.pool, TaskPool):
        log.error("webhooks_not_started", why="The worker for `upkeep` needs threads: -P threads.")
        return
    from sessions.connections import connect_blocking
    from workers.context import get_context
    from workers.webhooks.posting import Poster
    from workers.webhooks.relay import BLOCK_SECONDS, Relay
    from workers.webhooks.sender import Sender

    global _sender
    context = get_context()
    endpoints, deliveries = context.endpoints, context.deliveries
    poster = Poster(context.settings)
    _sender = Sender(context.settings, endpoints, deliveries, poster, context.figures)
    redis = connect_blocking(context.settings, BLOCK_SECONDS)
    relay = Relay(redis, endpoints, deliveries, context.archive, _sender.ring)
    for name, run in (("webhooks-relay", relay.run), ("webhooks-sender", _sender.run)):
        thread = Thread(target=_keep_up, args=(run,), name=name, daemon=True)
        thread.start()
        _threads.append(thread)


@worker_shutting_down.connect
def _tell(**_: Any) -> None:
    _stop.set()
    if _sender is not None:
        _sender.ring()


@worker_shutdown.connect
def _wait(**_: Any) -> None:
    _tell()
    for thread in _threads:
        thread.join(_END_SECONDS)


def _keep_up(run: Callable[[Event], None]) -> None:
    while not _stop.is_set():
        try:
            run(_stop)
        # What has failed starts over; nothing is lost by that.
        except Exception:
            log.exception("webhooks_failed")
            _stop.wait(_RETRY_SECONDS)
