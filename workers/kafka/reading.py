"""What does a message say, and what is known of one that cannot be parsed?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from confluent_kafka import Message
from pydantic import BaseModel, TypeAdapter, ValidationError

from sessions.questions.tasks import CorrelationId, TaskRequest, TaskResponse
from workers.kafka.outbox import Header

T = TypeVar("T", bound=BaseModel)

_CORRELATION_ID = TypeAdapter[str](CorrelationId)
_REASON_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that is not what it should be. ``reason`` quotes nothing of it."""

    reason: str
    correlation_id: str | None


def read_request(message: Message) -> TaskRequest | Unreadable:
    """Return the question that ``message`` brings."""
    return _read(TaskRequest, message.value())


def read_response(message: Message) -> TaskResponse | Unreadable:
    """Return the answer that ``message`` brings."""
    return _read(TaskResponse, message.value())


def describe(message: Message, reason: str) -> list[Header]:
    """Return the headers of a dead letter: why it is one, where it was, and what it had."""
    ours = {
        "reason": reason,
        "topic": message.topic() or "",
        "partition": message.partition(),
        "offset": message.offset(),
    }
    own = cast("list[tuple[str, bytes | None]]", message.headers() or [])
    return [
        *((name, str(value).encode()) for name, value in ours.items()),
        *((name, value or b"") for name, value in own),
    ]


def _read(kind: type[T], value: bytes | None) -> T | Unreadable:
    try:
        return kind.model_validate_json(value or b"")
    except ValidationError as error:
        return Unreadable(_reason(error), _correlation_id(value))


def _reason(error: ValidationError) -> str:
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    told = (f"{'.'.join(map(str, one['loc'])) or 'message'}: {one['msg']}" for one in problems)
    return "; ".join(told)[:_REASON_CHARACTERS]


def _correlation_id(value: bytes | None) -> str | None:
    try:
        document: Any = json.loads(value or b"")
        return _CORRELATION_ID.validate_python(document["correlation_id"], strict=True)
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
