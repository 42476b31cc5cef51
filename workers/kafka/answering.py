"""What becomes of one message that should be a question? If it is none, a dead letter too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from confluent_kafka import KafkaError, Message

from sessions.questions.tasks import TaskRequest, TaskResponse
from workers.answering import FAILED
from workers.kafka.outbox import Header, Outbox
from workers.kafka.reading import Unreadable, describe, read_request
from workers.kafka.remembered import Remembered
from workers.kafka.topics import Names
from workers.sending import SendError

log = structlog.get_logger(__name__)

Answer = Callable[[TaskRequest], TaskResponse]
Done = Callable[[], None]

UNREADABLE = "Sorry, your question has reached us damaged. Please ask it again."


class Answering:
    """Works on messages; ``done`` is called when the broker has all that one of them asked for."""

    def __init__(self, names: Names, outbox: Outbox, answer: Answer) -> None:
        self._names = names
        self._outbox = outbox
        self._answer = answer
        self._remembered = Remembered()

    def work(self, message: Message, done: Done) -> None:
        """Deal with one message. Nothing that it holds makes this raise."""
        found = read_request(message)
        if isinstance(found, Unreadable):
            self._bury(message, found, done)
            return
        with structlog.contextvars.bound_contextvars(
            session_id=found.payload.session_id, correlation_id=found.correlation_id
        ):
            known = self._remembered.get(found.correlation_id)
            if known is None:
                response = self._respond(found)
                known = response.model_dump_json().encode()
                self._remembered.keep(response, known)
            else:
                log.info("question_came_again")
            self._send(self._names.responses, found.payload.session_id.encode(), known, done)

    def _respond(self, request: TaskRequest) -> TaskResponse:
        try:
            return self._answer(request)
        # Whatever it is that fails, whoever asked must hear of it.
        except Exception as error:
            log.exception("question_failed", error=type(error).__name__)
            return TaskResponse.failure(
                request.correlation_id,
                request.payload.session_id,
                sentence=FAILED,
                error=type(error).__name__,
            )

    def _bury(self, message: Message, found: Unreadable, done: Done) -> None:
        log.warning(
            "question_unreadable",
            reason=found.reason,
            topic=message.topic(),
            partition=message.partition(),
            offset=message.offset(),
            correlation_id=found.correlation_id,
        )
        response = TaskResponse.failure(
            found.correlation_id, None, sentence=UNREADABLE, error=found.reason
        )
        reply = response.model_dump_json().encode()

        def buried() -> None:
            self._send(self._names.responses, message.key(), reply, done)

        headers = describe(message, found.reason)
        self._send(self._names.dead_letters, message.key(), message.value() or b"", buried, headers)

    def _send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        done: Done,
        headers: Sequence[Header] = (),
    ) -> None:
        def delivered(error: KafkaError | None) -> None:
            # The producer never gives up by itself, so trying once more would change nothing.
            if error is not None:
                log.error("kafka_refuses", topic=topic, error=error.str())
            done()

        try:
            self._outbox.send(topic, key, value, delivered, headers)
        except SendError as error:
            log.error("kafka_refuses", topic=topic, error=str(error))
            done()
