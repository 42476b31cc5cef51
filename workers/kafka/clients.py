"""How does a client of Kafka reach the brokers, and how patient is it?"""

from __future__ import annotations

import logging
import re
import time
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from sessions.settings import Settings, host_name

_SECOND = 1000
_SAY_AGAIN_SECONDS = 30.0
_NEW_TOPIC_MS = 5 * _SECOND
"""How soon a topic is seen that was made after the start."""


class Calm(logging.Filter):
    """Lets a line through once in a while: librdkafka tells of every attempt to reach a broker."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether this has not been said lately, by whatever client it was."""
        text = re.sub(r"\[.*?\]|\d+", "", record.getMessage())
        now = time.monotonic()
        if now - self._said.get(text, -_SAY_AGAIN_SECONDS) < _SAY_AGAIN_SECONDS:
            return False
        self._said[text] = now
        return True


_LOGGER = logging.getLogger("librdkafka")
_LOGGER.addFilter(Calm())


def client_name(role: str) -> str:
    """Return how this process calls itself in the role of ``role``; operators see it."""
    return f"{role}@{host_name()}"


def make_admin(settings: Settings, role: str) -> AdminClient:
    """Return a client that makes topics and looks at groups."""
    return AdminClient(client_config(settings, role), logger=_LOGGER)


def make_producer(settings: Settings, role: str, give_up_seconds: float, room: int) -> Producer:
    """Return a producer of ``room`` messages at once, each tried for ``give_up_seconds`` (0: on).

    A message may arrive twice, which every reader bears: an idempotent producer could fail for
    good instead.
    """
    return Producer(
        {
            **client_config(settings, role),
            "acks": "all",
            "linger.ms": 0,
            # Two on their way could overtake each other where one is tried again.
            "max.in.flight.requests.per.connection": 1,
            "message.timeout.ms": round(give_up_seconds * _SECOND),
            "queue.buffering.max.messages": room,
        },
        logger=_LOGGER,
    )


def make_consumer(settings: Settings, role: str, group: str) -> Consumer:
    """Return a consumer that commits only what it is told to."""
    return Consumer(
        {
            **client_config(settings, role),
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            # The others keep their partitions while one comes or goes.
            "partition.assignment.strategy": "cooperative-sticky",
            # The least that brokers allow: so long the partitions of one that has died wait.
            "session.timeout.ms": 6 * _SECOND,
            "heartbeat.interval.ms": 1500,
            "topic.metadata.refresh.interval.ms": _NEW_TOPIC_MS,
            # A fetch under way holds up that of a partition which has just come.
            "fetch.wait.max.ms": 100,
            "queued.max.messages.kbytes": 4096,
            "fetch.error.backoff.ms": 100,
        },
        logger=_LOGGER,
    )


def reason_of(error: KafkaException) -> str:
    """Return why something failed, in the words of Kafka."""
    reason: KafkaError = error.args[0]
    return reason.str() or reason.name()


def client_config(settings: Settings, role: str) -> dict[str, Any]:
    """Return what every client is told, whatever it does."""
    config: dict[str, Any] = {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "client.id": client_name(role),
        "security.protocol": settings.kafka_security_protocol.value,
        # A broker that is back is found within a second.
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": _SECOND,
        "socket.keepalive.enable": True,
        "socket.timeout.ms": 10 * _SECOND,
        "log.connection.close": False,
    }
    if settings.kafka_security_protocol.has_user:
        config |= {
            "sasl.mechanism": settings.kafka_sasl_mechanism,
            "sasl.username": settings.kafka_user,
            "sasl.password": settings.kafka_password.get_secret_value(),
        }
    if settings.kafka_ca_file is not None:
        config["ssl.ca.location"] = str(settings.kafka_ca_file)
    return config
