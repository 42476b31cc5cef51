"""How does a message leave, and who is told that the broker has it?

``send`` never waits. A thread, which is a greenlet under gevent, serves the delivery reports: it
asks and sleeps in turn, because a wait inside librdkafka would hold a whole event loop up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from workers.sending import SendError

Delivered = Callable[[KafkaError | None], None]
Header = tuple[str, bytes]

_STEP_SECONDS = 0.02
_IDLE_SECONDS = 1.0


class Outbox:
    """A producer with somebody who serves it."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._sent = threading.Event()
        self._closed = False
        self._server = threading.Thread(target=self._serve, name="kafka-outbox", daemon=True)
        self._server.start()

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        delivered: Delivered,
        headers: Sequence[Header] = (),
    ) -> None:
        """Queue a message; ``delivered`` is told when the broker has it, or why it has not.

        Raises:
            SendError: the queue is full, or the message can never be sent.
        """

        def report(error: KafkaError | None, _message: Message) -> None:
            delivered(error)

        try:
            self._producer.produce(
                topic, value, key, on_delivery=report, headers=list(headers) or None
            )
        except BufferError as error:
            raise SendError("The queue of messages for Kafka is full.") from error
        except KafkaException as error:
            raise SendError(str(error.args[0])) from error
        self._sent.set()

    def close(self, within: float) -> int:
        """Send what is queued for ``within`` seconds; return how many messages are left."""
        left = self._producer.flush(within)
        self._closed = True
        self._sent.set()
        self._server.join()
        return left

    def _serve(self) -> None:
        while not self._closed:
            self._sent.wait(_IDLE_SECONDS)
            self._sent.clear()
            self._producer.poll(0)
            while len(self._producer) and not self._closed:
                time.sleep(_STEP_SECONDS)
                self._producer.poll(0)
