"""How are questions that come over Kafka answered, and none of them lost?

An offset is committed when the broker has the answer, and not before: whatever dies in between,
somebody takes the question again. A partition that goes to another bridge is handed over when what
has been begun of it is done, or after a while as it is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from threading import Event

import structlog
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from sessions.settings import Settings
from workers.kafka.answering import Answer, Answering
from workers.kafka.clients import make_admin, make_consumer, make_producer, reason_of
from workers.kafka.lanes import Lanes
from workers.kafka.ledger import Ledger
from workers.kafka.outbox import Outbox
from workers.kafka.topics import Names, make_topics, wanted_topics

log = structlog.get_logger(__name__)

ROLE = "bridge"

_POLL_SECONDS = 0.1
_COMMIT_SECONDS = 0.2
_BREATH_SECONDS = 0.5
_STEP_SECONDS = 0.005
_RETRY_SECONDS = 1.0
_HANDOVER_SECONDS = 10.0
_FLUSH_SECONDS = 5.0
_NEVER = 0.0
_ROOM = 10_000
_AHEAD = 4
"""So many questions for each thread are taken before a break."""

Place = tuple[str, int]


class Bridge:
    """One member of the group that shares the questions."""

    def __init__(self, settings: Settings, answer: Answer) -> None:
        self._settings = settings
        self._names = Names.of(settings)
        self._outbox = Outbox(make_producer(settings, ROLE, _NEVER, _ROOM))
        self._answering = Answering(self._names, self._outbox, answer)
        self._lanes = Lanes(settings.bridge_threads)
        self._most = settings.bridge_threads * _AHEAD
        self._ledgers: dict[Place, Ledger] = {}
        self._resting = False
        self._next_commit = 0.0
        self._consumer = make_consumer(settings, ROLE, self._names.bridges)

    def run(self, stop: Event) -> None:
        """Answer until ``stop`` is set, and then end what has been begun."""
        wait_for_topics(self._settings, stop)
        self._consumer.subscribe(
            [self._names.every_request],
            on_assign=self._take_over,
            on_revoke=self._hand_over,
            on_lost=self._lose,
        )
        log.info("bridge_started", group=self._names.bridges, prefix=self._names.prefix)
        try:
            while not stop.is_set():
                self._turn()
        finally:
            # Closing revokes what is left, and so waits, commits and says goodbye.
            self._consumer.close()
            self._lanes.close()
            left = self._outbox.close(_FLUSH_SECONDS)
            log.info("bridge_ended", answers_not_sent=left)

    def _turn(self) -> None:
        message = self._consumer.poll(_POLL_SECONDS)
        if message is not None and message.error() is not None:
            log.warning("kafka_cannot_be_read", error=str(message.error()))
        elif message is not None:
            self._take(message)
        if time.monotonic() >= self._next_commit:
            self._next_commit = time.monotonic() + _COMMIT_SECONDS
            self._commit(self._ledgers, asynchronous=True)
        self._rest_or_go_on()

    def _take(self, message: Message) -> None:
        topic, partition, offset = _place_of(message)
        ledger = self._ledgers.get((topic, partition))
        if ledger is None:
            return
        ledger.take(offset)
        key = message.key() or f"{topic} {partition}".encode()
        self._lanes.put(key, partial(self._work, message, ledger, offset))

    def _work(self, message: Message, ledger: Ledger, offset: int) -> None:
        if ledger.begin():
            self._answering.work(message, partial(ledger.done, offset))

    def _rest_or_go_on(self) -> None:
        """Fetch no more while there is enough to do; the group must hear of us all the same."""
        if self._resting and self._taken() <= self._most // 2:
            self._consumer.resume(self._consumer.assignment())
            self._resting = False
        elif not self._resting and not self._has_room(_BREATH_SECONDS):
            self._consumer.pause(self._consumer.assignment())
            self._resting = True

    def _has_room(self, within: float) -> bool:
        """Tell whether one more can be taken. A break costs a new fetch, so wait a little first."""
        until = time.monotonic() + within
        while self._taken() >= self._most:
            if time.monotonic() >= until:
                return False
            time.sleep(_STEP_SECONDS)
        return True

    def _taken(self) -> int:
        return sum(map(len, self._ledgers.values()))

    def _commit(self, ledgers: dict[Place, Ledger], *, asynchronous: bool) -> None:
        offsets = [
            TopicPartition(topic, partition, offset)
            for (topic, partition), ledger in ledgers.items()
            if (offset := ledger.to_commit()) is not None
        ]
        if not offsets:
            return
        try:
            if asynchronous:
                self._consumer.commit(offsets=offsets, asynchronous=True)
            else:
                self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            self._not_committed(error, offsets)

    def _not_committed(self, error: KafkaException, offsets: Sequence[TopicPartition]) -> None:
        log.warning("offsets_not_committed", error=reason_of(error))
        for one in offsets:
            if ledger := self._ledgers.get((one.topic, one.partition)):
                ledger.forget_commit()

    def _take_over(self, _consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        for one in partitions:
            self._ledgers[one.topic, one.partition] = Ledger()
        # What is new is not paused, whatever the rest is.
        self._resting = False
        log.info("partitions_taken_over", count=len(partitions))

    def _hand_over(self, _consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        """End what has been begun, commit what is done; the rest is for whoever comes next."""
        leaving = self._close(partitions)
        until = time.monotonic() + _HANDOVER_SECONDS
        unfinished = [place for place, ledger in leaving.items() if not ledger.wait(until)]
        self._commit(leaving, asynchronous=False)
        log.info("partitions_handed_over", count=len(partitions), unfinished=len(unfinished))

    def _lose(self, _consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        """Somebody else has them already: what is done counts for nothing."""
        self._close(partitions)
        log.warning("partitions_lost", count=len(partitions))

    def _close(self, partitions: Sequence[TopicPartition]) -> dict[Place, Ledger]:
        places = [(one.topic, one.partition) for one in partitions]
        leaving = {place: self._ledgers.pop(place) for place in places if place in self._ledgers}
        for ledger in leaving.values():
            ledger.close()
        return leaving


def wait_for_topics(settings: Settings, stop: Event) -> None:
    """Make our topics as soon as a broker answers."""
    admin, wanted = make_admin(settings, ROLE), wanted_topics(settings)
    while not stop.is_set():
        try:
            make_topics(admin, settings, wanted)
        except KafkaException as error:
            log.warning(
                "waiting_for_kafka",
                servers=settings.kafka_bootstrap_servers,
                error=reason_of(error),
            )
            # Its logs are told when it is polled.
            admin.poll(0)
            stop.wait(_RETRY_SECONDS)
        else:
            return


def _place_of(message: Message) -> tuple[str, int, int]:
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise RuntimeError("A message without a place cannot be committed.")
    return topic, partition, offset
