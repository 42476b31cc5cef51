"""Is Kafka well, as the house sees it? The watch looks, mends what topics are missing, and tells.

It has a thread of its own beside the relay's: a broker that is slow to say how it is must not hold
up the answers. It speaks for the relay only while that one goes round.
"""

from __future__ import annotations

import time
from threading import Event

import structlog
from confluent_kafka import KafkaException
from redis import Redis
from redis.exceptions import RedisError

from sessions.questions.relaying import REPORT_SECONDS, RelayReport, report_relay
from sessions.settings import Settings
from workers.kafka.clients import make_admin, reason_of
from workers.kafka.topics import Names, make_topics, wanted_topics

log = structlog.get_logger(__name__)

ROLE = "watch"

_LOOK_SECONDS = 2.0
_STUCK_SECONDS = 10.0


class Watch:
    """Reports about Kafka every few seconds."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._settings = settings
        self._redis = redis
        self._group = Names.of(settings).bridges
        self._wanted = wanted_topics(settings)
        self._admin = make_admin(settings, ROLE)
        self._seen = time.monotonic()

    def note_turn(self) -> None:
        """Take note that the relay goes round."""
        self._seen = time.monotonic()

    def run(self, stop: Event) -> None:
        """Look and tell until ``stop`` is set."""
        while not stop.is_set():
            trouble = self._trouble()
            report = RelayReport(trouble, 0 if trouble else self._count_bridges())
            if time.monotonic() - self._seen < _STUCK_SECONDS:
                self._tell(report)
            stop.wait(REPORT_SECONDS)

    def _trouble(self) -> str:
        try:
            make_topics(self._admin, self._settings, self._wanted)
        except KafkaException as error:
            return reason_of(error)
        return ""

    def _count_bridges(self) -> int:
        asked = self._admin.describe_consumer_groups([self._group], request_timeout=_LOOK_SECONDS)
        try:
            return len(asked[self._group].result().members)
        except KafkaException as error:
            log.debug("group_not_seen", group=self._group, error=reason_of(error))
            # One that has lost a broker may not find its way back to the coordinator of a group.
            self._admin = make_admin(self._settings, ROLE)
            return 0

    def _tell(self, report: RelayReport) -> None:
        try:
            report_relay(self._redis, report)
        except RedisError as error:
            log.warning("relay_cannot_report", error=str(error))
