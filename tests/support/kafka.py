"""How does a test talk to Kafka, past all that is ours?"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Event, Lock, Thread
from typing import Any
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka._model import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient

from sessions.questions.tasks import (
    GENERAL_INFO,
    Status,
    TaskPayload,
    TaskRequest,
    TaskResponse,
    TaskResult,
)
from tests.support.eventually import eventually

PATIENCE = 30.0


def question(
    session_id: str = "session_1790000000000_k3f9a0z81qxe",
    message: str = "When do you open?",
    task_type: str = GENERAL_INFO,
    correlation_id: str | None = None,
) -> TaskRequest:
    """Return a question."""
    return TaskRequest(
        correlation_id=correlation_id or f"chat_{uuid4().hex}",
        task_type=task_type,
        payload=TaskPayload(message=message, session_id=session_id),
    )


def echo(request: TaskRequest) -> TaskResponse:
    """Answer a question with itself."""
    return TaskResponse(
        correlation_id=request.correlation_id,
        status=Status.SUCCESS,
        result=TaskResult(
            response=f"You asked: {request.payload.message}",
            session_id=request.payload.session_id,
        ),
    )


@dataclass
class Counting:
    """Answers like ``echo``, notes what was asked, and can be held up."""

    asked: list[TaskRequest] = field(default_factory=list[TaskRequest])
    open: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self._lock = Lock()
        self.open.set()

    def __call__(self, request: TaskRequest) -> TaskResponse:
        with self._lock:
            self.asked.append(request)
        assert self.open.wait(PATIENCE)
        return echo(request)

    @property
    def ids(self) -> list[str]:
        """Return the correlation ids in the order in which work on them began."""
        with self._lock:
            return [request.correlation_id for request in self.asked]


@dataclass(frozen=True)
class Wire:
    """What one test, which has a prefix of its own, writes to Kafka and reads there."""

    servers: str
    prefix: str

    def topic(self, name: str) -> str:
        return f"{self.prefix}{name}"

    def write(
        self, topic: str, value: bytes, key: bytes | None = None, **headers: str | bytes | None
    ) -> tuple[int, int]:
        """Write a message; return its partition and offset."""
        places: list[Any] = []
        producer = _producer(self.servers)

        def delivered(error: object, message: Message) -> None:
            places.append(error or (message.partition(), message.offset()))

        producer.produce(
            self.topic(topic), value, key, headers=headers or None, on_delivery=delivered
        )
        assert producer.flush(PATIENCE) == 0
        assert isinstance(places[0], tuple), places
        return places[0]

    def ask(self, request: TaskRequest) -> None:
        """Write a question as the house does."""
        key = request.payload.session_id.encode()
        self.write(f"task_requests.{request.task_type}", request.model_dump_json().encode(), key)

    def read(self, topic: str, count: int, within: float = PATIENCE) -> list[Message]:
        """Return all that is in a topic, once it is ``count`` messages; fail if it is not."""
        with self._reader(topic) as consumer:
            found: list[Message] = []
            deadline = time.monotonic() + within
            while len(found) < count and time.monotonic() < deadline:
                found += [m for m in consumer.consume(500, 0.1) if m.error() is None]
            # Whatever is too much must have the time to come.
            found += [m for m in consumer.consume(500, 0.2) if m.error() is None]
        assert len(found) == count, [m.value() for m in found]
        return found

    def answers(self, count: int, within: float = PATIENCE) -> list[dict[str, Any]]:
        """Return the answers so far, once there are ``count``; fail if there are more."""
        return [json.loads(m.value() or b"") for m in self.read("task_responses", count, within)]

    def committed(self, group: str, topic: str) -> int:
        """Return how many messages of a topic the group has behind it."""
        name, of = self.topic(topic), ConsumerGroupTopicPartitions(self.topic(group))

        def ask() -> list[TopicPartition] | None:
            asked = admin(self.servers).list_consumer_group_offsets([of])
            try:
                return asked[of.group_id].result(PATIENCE).topic_partitions or []
            except KafkaException:
                # The coordinator of the groups takes a moment after a start.
                return None

        found: list[TopicPartition] = []
        eventually(lambda: (answer := ask()) is not None and (found.extend(answer) or True))
        return sum(max(0, one.offset) for one in found if one.topic == name)

    def end(self, topic: str) -> int:
        """Return how many messages a topic has."""
        with self._reader(topic) as consumer:
            ends = [consumer.get_watermark_offsets(p, PATIENCE) for p in consumer.assignment()]
        return sum(high for _, high in ends)

    def members(self, group: str) -> int:
        """Return how many are in a group now."""
        name = self.topic(group)
        return len(admin(self.servers).describe_consumer_groups([name])[name].result().members)

    def is_made(self) -> bool:
        """Tell whether somebody has made our topics."""
        there = admin(self.servers).list_topics(timeout=PATIENCE).topics
        return self.topic("task_dead_letters") in there

    @contextmanager
    def _reader(self, topic: str) -> Iterator[Consumer]:
        name = self.topic(topic)
        consumer = Consumer(
            {
                "bootstrap.servers": self.servers,
                "group.id": f"test-{uuid4()}",
                "fetch.wait.max.ms": 50,
            }
        )
        try:

            def made() -> Any:
                found = admin(self.servers).list_topics(timeout=PATIENCE).topics.get(name)
                return found and found.partitions

            consumer.assign([TopicPartition(name, one, 0) for one in eventually(made, PATIENCE)])
            yield consumer
        finally:
            consumer.close()


@lru_cache(maxsize=1)
def admin(servers: str) -> AdminClient:
    """Return a client that asks about the broker of the tests."""
    return AdminClient({"bootstrap.servers": servers, "log_level": 0})


@lru_cache(maxsize=1)
def _producer(servers: str) -> Producer:
    return Producer(
        {
            "bootstrap.servers": servers,
            "linger.ms": 0,
            "log_level": 0,
            "topic.metadata.refresh.fast.interval.ms": 20,
        }
    )


@contextmanager
def in_thread(run: Callable[[Event], None]) -> Iterator[Event]:
    """Have ``run`` run beside the test until the block, or who sets the event, ends it."""
    stop = Event()
    errors: list[Exception] = []

    def work() -> None:
        try:
            run(stop)
        except Exception as error:  # noqa: BLE001 - the test fails of it, and not the thread.
            errors.append(error)

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(PATIENCE)
    assert not thread.is_alive()
    assert not errors, errors
