"""How do the answers that come over Kafka reach whoever asked?

The relay is a thread of each worker for the queue ``answers``; all of them share the answers. An
offset is committed when Redis has the answer: while Redis is away the relay waits, and what it read
before its end is read again by the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

import structlog
from confluent_kafka import KafkaError, KafkaException, Message
from redis import Redis
from redis.exceptions import OutOfMemoryError, RedisError

from sessions.connections import REDIS_AWAY
from sessions.figures import Figures
from sessions.questions.tasks import TaskResponse
from sessions.settings import Settings
from workers.kafka.clients import make_consumer, make_producer, reason_of
from workers.kafka.outbox import Outbox
from workers.kafka.reading import Unreadable, describe, read_response
from workers.kafka.topics import Names
from workers.kafka.watching import Watch
from workers.sending import SendError

log = structlog.get_logger(__name__)

ROLE = "relay"
Deliver = Callable[[TaskResponse], bool]

_POLL_SECONDS = 0.2
_COMMIT_SECONDS = 0.2
_RETRY_SECONDS = 0.5
_FLUSH_SECONDS = 2.0
_NEVER = 0.0
_ROOM = 10_000


class Relay:
    """One member of the group that shares the answers."""

    def __init__(self, settings: Settings, redis: Redis, deliver: Deliver) -> None:
        self._deliver = deliver
        self._figures = Figures(redis)
        self._names = Names.of(settings)
        self._watch = Watch(settings, redis)
        self._outbox = Outbox(make_producer(settings, ROLE, _NEVER, _ROOM))
        self._consumer = make_consumer(settings, ROLE, self._names.relays)
        self._uncommitted = False
        self._next_commit = 0.0

    def run(self, stop: Event) -> None:
        """Deliver answers until ``stop`` is set."""
        self._consumer.subscribe([self._names.responses], on_revoke=self._hand_over)
        log.info("relay_started", group=self._names.relays)
        ended = Event()
        watch = Thread(target=self._watch.run, args=[ended], name="kafka-watch", daemon=True)
        watch.start()
        try:
            while not stop.is_set():
                self._turn(stop)
        finally:
            # Closing revokes what is left, and so commits.
            self._consumer.close()
            self._outbox.close(_FLUSH_SECONDS)
            ended.set()
            watch.join()
            log.info("relay_ended")

    def _turn(self, stop: Event) -> None:
        self._watch.note_turn()
        message = self._consumer.poll(_POLL_SECONDS)
        if message is not None and message.error() is not None:
            log.warning("kafka_cannot_be_read", error=str(message.error()))
        elif message is not None and self._bring_home(message, stop):
            self._consumer.store_offsets(message)
            self._uncommitted = True
        if self._uncommitted and time.monotonic() >= self._next_commit:
            self._next_commit = time.monotonic() + _COMMIT_SECONDS
            self._commit(asynchronous=True)

    def _bring_home(self, message: Message, stop: Event) -> bool:
        """Deliver one answer; tell whether it is done with, and so may be committed."""
        response = read_response(message)
        if isinstance(response, Unreadable):
            return self._bury(message, response.reason, stop)
        while not stop.is_set():
            self._watch.note_turn()
            try:
                first = self._deliver(response)
            except (*REDIS_AWAY, OutOfMemoryError) as error:
                log.warning("relay_waits_for_redis", error=str(error))
                stop.wait(_RETRY_SECONDS)
                continue
            # One answer that nobody can take must not keep those behind it.
            except Exception as error:
                log.exception("answer_not_delivered", correlation_id=response.correlation_id)
                return self._bury(message, type(error).__name__, stop)
            log.debug("answer_delivered", correlation_id=response.correlation_id, first=first)
            return True
        return False

    def _bury(self, message: Message, reason: str, stop: Event) -> bool:
        log.warning(
            "answer_unreadable",
            reason=reason,
            partition=message.partition(),
            offset=message.offset(),
        )
        with suppress(RedisError):
            self._figures.count("errors:answer:lost")
        told = Event()

        def delivered(error: KafkaError | None) -> None:
            if error is not None:
                log.error("kafka_refuses", topic=self._names.dead_letters, error=error.str())
            told.set()

        value = message.value() or b""
        try:
            self._outbox.send(
                self._names.dead_letters,
                message.key(),
                value,
                delivered,
                describe(message, reason),
            )
        except SendError as error:
            log.error("kafka_refuses", topic=self._names.dead_letters, error=str(error))
            return True
        while not told.wait(_RETRY_SECONDS):
            if stop.is_set():
                return False
        return True

    def _hand_over(self, *_: object) -> None:
        self._commit(asynchronous=False)

    def _commit(self, *, asynchronous: bool) -> None:
        if not self._uncommitted:
            return
        try:
            if asynchronous:
                self._consumer.commit(asynchronous=True)
            else:
                self._consumer.commit(asynchronous=False)
            self._uncommitted = False
        except KafkaException as error:
            log.warning("offsets_not_committed", error=reason_of(error))
