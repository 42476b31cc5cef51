"""How does a message reach the broker, cheaply enough to be sent at every start?

Celery's ``send_task`` with its defaults costs as much processor time as all the rest of a start.
The same message goes out here by the same two methods of ``app.amqp`` at a third of that, without
what we have no use for: a look-up of the route, the declaration of the queue, a result, and a new
Redis client each time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from celery import Celery
from kombu import Connection, Producer
from kombu.exceptions import OperationalError
from kombu.transport import redis as kombu_redis

_PATIENCE_SECONDS = 0.4


class SendError(Exception):
    """The broker has not taken a message, or not said so."""


class Channel(kombu_redis.Channel):
    """Kombu's channel, which would make a Redis client for each message, with one for them all."""

    _kept: Any = None

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:
        """Yield the kept client, unless a fork or a lost connection has replaced its pool."""
        if client is None:
            client = self._kept
            if client is None or client.connection_pool is not self.pool:
                with super().conn_or_acquire() as client:
                    self._kept = client
        yield client


class Transport(kombu_redis.Transport):
    """Kombu's transport with our channel."""

    Channel = Channel


class Sender:
    """Sends tasks by name, each over a connection that nobody else uses at the moment.

    There are as many connections as there ever were messages on their way at once.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._idle = deque[tuple[Connection, Producer]]()
        self._queues: dict[str, Any] = {}

    def send(self, task: str, *args: object, shown: str | None = None) -> None:
        """Send one message; ``shown`` stands for its arguments wherever tasks are watched.

        Raises:
            SendError: the broker is away or refuses.
        """
        amqp = self._app.amqp
        message = amqp.create_task_message(
            str(uuid4()),
            task,
            args,
            argsrepr=repr(args) if shown is None else shown,
            kwargsrepr="{}",
            ignore_result=True,
        )
        connection, producer = self._take()
        try:
            amqp.send_task_message(
                producer, task, message, queue=self._queue(task), retry=False, declare=()
            )
        except _errors_of(connection) as error:
            connection.release()
            raise SendError(str(error)) from error
        self._idle.append((connection, producer))

    def _take(self) -> tuple[Connection, Producer]:
        try:
            return self._idle.pop()
        except IndexError:
            # Whoever waits for the answer to a start must not wait for the broker to come back.
            options = {
                "max_retries": 0,
                "socket_connect_timeout": _PATIENCE_SECONDS,
                "socket_timeout": _PATIENCE_SECONDS,
            }
            connection = self._app.connection_for_write(
                transport=Transport, transport_options=options
            )
            return connection, Producer(connection, auto_declare=False)

    def _queue(self, task: str) -> Any:
        if task not in self._queues:
            self._queues[task] = self._app.amqp.router.route({}, task)["queue"]
        return self._queues[task]


def _errors_of(connection: Connection) -> tuple[type[BaseException], ...]:
    return (
        OperationalError,
        *connection.recoverable_connection_errors,
        *connection.recoverable_channel_errors,
    )
