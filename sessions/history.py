"""What has been said in a session so far?

Turns are written with the event that tells of them (``SessionStore.emit``), so the history and the
event log never disagree. The archive reads them here.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis

from sessions.keys import SessionKeys

_PAGE = 200
"""Whoever has written for hours has said so much that to read it at once holds everybody up."""

_Entries = list[tuple[str, dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance. ``role`` is ``user`` or ``assistant``; ``at`` is in Unix milliseconds.

    ``cut_off`` if the agent was lost in the middle of it, ``resuming`` if an agent that took over
    began with it, ``question`` is the correlation id of what was asked, or answered, in writing,
    ``latency_ms`` how long the caller waited for it.
    """

    role: str
    text: str
    at: int
    generation: int
    interrupted: bool = False
    cut_off: bool = False
    resuming: bool = False
    question: str = ""
    latency_ms: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the turn as the archive and clients see it."""
        latency = {} if self.latency_ms is None else {"latencyMs": self.latency_ms}
        return {
            "role": self.role,
            "text": self.text,
            "at": self.at,
            "generation": self.generation,
            "interrupted": self.interrupted,
            **latency,
        }


def read_history(redis: Redis, session_id: str) -> list[Turn]:
    """Return every turn of a live session, oldest first."""
    stream, begin = SessionKeys.of(session_id).history, "-"
    turns: list[Turn] = []
    while True:
        entries = cast("_Entries", redis.xrange(stream, min=begin, count=_PAGE))
        turns += [_turn(entry_id, json.loads(fields["turn"])) for entry_id, fields in entries]
        if len(entries) < _PAGE:
            return turns
        begin = f"({entries[-1][0]}"


def read_latest(redis: Redis, session_id: str, count: int) -> list[Turn]:
    """Return the newest ``count`` turns of a live session, oldest first."""
    entries = cast("_Entries", redis.xrevrange(SessionKeys.of(session_id).history, count=count))
    return [_turn(entry_id, json.loads(fields["turn"])) for entry_id, fields in reversed(entries)]


def _turn(entry_id: str, content: dict[str, Any]) -> Turn:
    return Turn(
        role=content["role"],
        text=content["text"],
        at=int(entry_id.partition("-")[0]),
        generation=content.get("generation", 0),
        interrupted=content.get("interrupted", False),
        cut_off=content.get("cut_off", False),
        resuming=content.get("resuming", False),
        question=content.get("question", ""),
        latency_ms=content.get("latency_ms"),
    )
