"""How does a question get from the house to Kafka?

The house keeps every question until it is answered and sends it again if need be, so a message that
the broker has not taken within seconds is simply dropped here.
"""

from __future__ import annotations

import os
from functools import lru_cache, partial

import structlog
from confluent_kafka import KafkaError

from sessions.questions.tasks import TaskRequest
from sessions.settings import Settings, get_settings
from workers.kafka.clients import make_producer
from workers.kafka.outbox import Outbox
from workers.kafka.topics import Names

log = structlog.get_logger(__name__)

ROLE = "house"

_GIVE_UP_SECONDS = 4.0
_ROOM = 10_000


class QuestionSender:
    """Sends questions without waiting for the broker."""

    def __init__(self, settings: Settings) -> None:
        self._names = Names.of(settings)
        self._outbox = Outbox(make_producer(settings, ROLE, _GIVE_UP_SECONDS, _ROOM))

    def send(self, request: TaskRequest) -> None:
        """Queue a question.

        Raises:
            SendError: so many wait already that there is no room for one more.
        """
        self._outbox.send(
            self._names.requests(request.task_type),
            request.payload.session_id.encode(),
            request.model_dump_json().encode(),
            partial(_note, request),
        )

    def close(self, within: float) -> int:
        """Send what is queued for ``within`` seconds; return how many questions are left."""
        return self._outbox.close(within)


def send(request: TaskRequest) -> None:
    """Queue a question with the sender of this process.

    Raises:
        SendError: see ``QuestionSender.send``.
    """
    _sender(os.getpid()).send(request)


@lru_cache(maxsize=1)
def _sender(_process: int) -> QuestionSender:
    """Make a sender after a fork too: librdkafka's threads stay behind in the parent."""
    return QuestionSender(get_settings())


def _note(request: TaskRequest, error: KafkaError | None) -> None:
    if error is not None:
        log.warning(
            "question_not_sent",
            session_id=request.payload.session_id,
            correlation_id=request.correlation_id,
            error=error.str(),
        )
