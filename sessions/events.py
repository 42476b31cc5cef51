"""What has happened in a session, in order, and where does a reader go on?

An event is one entry of the stream ``session:<id>:events``; its id is the entry's id. Ids grow, so
"everything after this id" is all that a reader who was away has to ask for.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis

from sessions.errors import FieldProblem, InvalidRequestError
from sessions.keys import SessionKeys

BEGINNING = "0-0"
EVENT_ID_PATTERN = "[0-9]{1,15}(-[0-9]{1,10})?"
_EVENT_ID = re.compile(EVENT_ID_PATTERN, re.ASCII)
_Entries = list[tuple[str, dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    id: str
    type: str
    data: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the event as clients see it."""
        return {"id": self.id, "type": self.type, "data": dict(self.data)}

    @property
    def position(self) -> tuple[int, int]:
        """Return the place of the event in its log, comparable with that of any other."""
        return position_of(self.id)


def position_of(event_id: str) -> tuple[int, int]:
    """Return the two numbers of an event id."""
    milliseconds, _, sequence = event_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def check_event_id(text: str, field: str = "since") -> str:
    """Return ``text`` if it can be an event id.

    Raises:
        InvalidRequestError: it cannot.
    """
    if _EVENT_ID.fullmatch(text) is None:
        raise InvalidRequestError([FieldProblem(field, "must be an event id such as 1753-0")])
    return text


class EventLog:
    """Reads the event logs of sessions; only the store's verbs write them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def read(
        self, session_id: str, since: str = BEGINNING, limit: int | None = None
    ) -> list[Event]:
        """Return the events after ``since``, oldest first, at most ``limit`` of them."""
        return self.read_many({session_id: since}, limit)[session_id]

    def read_many(
        self, cursors: Mapping[str, str], limit: int | None = None
    ) -> dict[str, list[Event]]:
        """Return for each session the events after its cursor, in one round trip."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for session_id, since in cursors.items():
                stream = SessionKeys.of(session_id).events
                pipeline.xrange(stream, min=f"({since}", max="+", count=limit)
            replies = cast("list[_Entries]", pipeline.execute())
        return {
            session_id: _events(entries)
            for session_id, entries in zip(cursors, replies, strict=True)
        }

    def newest(self, session_id: str, limit: int) -> list[Event]:
        """Return the last events, newest first, however long the log is."""
        stream = SessionKeys.of(session_id).events
        return _events(cast("_Entries", self._redis.xrevrange(stream, count=limit)))

    def last_id(self, session_id: str) -> str:
        """Return the id of the newest event, or the beginning if there is none."""
        entries = cast(
            "_Entries", self._redis.xrevrange(SessionKeys.of(session_id).events, count=1)
        )
        return entries[0][0] if entries else BEGINNING

    def count(self, session_id: str) -> int:
        """Return how many events the log holds."""
        return self._redis.xlen(SessionKeys.of(session_id).events)

    def exists(self, session_id: str) -> bool:
        """Tell whether the log can still be read."""
        return bool(self._redis.exists(SessionKeys.of(session_id).events))


def _events(entries: Sequence[tuple[str, dict[str, str]]]) -> list[Event]:
    return [Event(id_, fields["type"], json.loads(fields["data"])) for id_, fields in entries]
