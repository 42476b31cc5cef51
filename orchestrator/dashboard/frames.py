"""How is a message written as a server-sent event?

Once for all who watch, so without its ``id:``, which each stream counts for itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.dashboard.messages import Ended, Message, Rows
from orchestrator.http.answers import Answer

RETRY = b"retry: 2000\n\n"
HEARTBEAT = b": still here\n\n"


def frame(message: Message) -> bytes:
    """Return a message as an event."""
    return _frame(message.event, encode(message))


def frame_of_rows(rows: Sequence[bytes], *, complete: bool) -> bytes:
    """Return the message ``rows`` of rows that are encoded already."""
    ending = b"true" if complete else b"false"
    content = b'{"rows":[' + b",".join(rows) + b'],"complete":' + ending + b"}"
    return _frame(Rows.event, content)


def frame_of_ended(sessions: Sequence[bytes]) -> bytes:
    """Return the message ``ended`` of sessions that are encoded already."""
    return _frame(Ended.event, b'{"sessions":[' + b",".join(sessions) + b"]}")


def encode(answer: Answer) -> bytes:
    """Return an answer as JSON without a line break in it."""
    return answer.model_dump_json(by_alias=True).encode()


def numbered(number: int, written: bytes) -> bytes:
    """Return an event with its number in the stream."""
    return b"id: %d\n" % number + written


def _frame(event: str, content: bytes) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + content + b"\n\n"
