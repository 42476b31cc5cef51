"""How does a live session become a row?

Its hash says where it stands; its log says what was said and what the agent does. Of the log only
what is new is read: for a session that is seen for the first time the newest events, afterwards
those since the last look.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from redis import Redis
from redis.client import Pipeline

from orchestrator.dashboard.messages import Row, Words
from sessions.events import BEGINNING
from sessions.keys import SessionKeys
from sessions.states import State

EVENTS_AT_ONCE = 200
_FIRST_EVENTS = 30
"""Enough to find the last words and what the agent does, of nearly every call."""
_LAST_CHARACTERS = 200

_FIELDS = (
    *("id", "userName", "channel", "state", "worker", "generation", "recoveries", "cause"),
    *("accepted", "ready", "recoveringSince", "queuePosition", "scope"),
)

_Entries = Sequence[tuple[str, Mapping[str, str]]]
_AgentState = Literal["listening", "thinking", "speaking"]


@dataclass(slots=True)
class Watched:
    """What is known of one session, and how far its log has been read."""

    id: str
    scope: str = ""
    cursor: str | None = None
    voice: str | None = None
    agent_state: _AgentState | None = None
    words: Words | None = None
    has_more: bool = False
    """Whether the log may hold more than was read at once."""

    def ask(self, pipeline: Pipeline) -> None:
        """Put into ``pipeline`` what has to be asked; always three commands."""
        names = SessionKeys.of(self.id)
        pipeline.hmget(names.session, _FIELDS)
        pipeline.hget(names.config, "voiceId")
        if self.cursor is None:
            pipeline.xrevrange(names.events, count=_FIRST_EVENTS)
        else:
            pipeline.xrange(names.events, min=f"({self.cursor}", count=EVENTS_AT_ONCE)

    def read(self, replies: tuple[Any, ...], name_of: Callable[[str], str]) -> Row | None:
        """Return the row that the answers make, or ``None`` where there is no session any more.

        ``name_of`` tells the name of the API key of a scope.

        Raises:
            KeyError: a field that every session has is missing.
            ValueError: a field makes no sense.
        """
        values, self.voice, entries = replies
        self._follow(entries)
        fields = {name: v for name, v in zip(_FIELDS, values, strict=True) if v is not None}
        self.scope = fields.get("scope", "")
        return self._row(fields, name_of) if fields else None

    def _follow(self, entries: _Entries) -> None:
        in_order = reversed(entries) if self.cursor is None else iter(entries)
        self.has_more = self.cursor is not None and len(entries) == EVENTS_AT_ONCE
        self.cursor = self.cursor or BEGINNING
        for entry_id, fields in in_order:
            self.cursor = entry_id
            match fields["type"]:
                case "agent_state":
                    self.agent_state = json.loads(fields["data"])["state"]
                case "transcript":
                    self._hear(json.loads(fields["data"]))
                case "agent_response":
                    text = json.loads(fields["data"]).get("response")
                    self._hear({"speaker": "agent", "text": text, "final": True})
                case _:
                    pass

    def _hear(self, data: Mapping[str, Any]) -> None:
        text, speaker = data.get("text"), data.get("speaker")
        if isinstance(text, str) and text and speaker in {"caller", "agent"}:
            final = data.get("final") is not False
            last = printable(text[-_LAST_CHARACTERS:])
            self.words = Words(speaker=speaker, text=last, final=final)

    def _row(self, fields: Mapping[str, str], name_of: Callable[[str], str]) -> Row:
        state, position = State(fields["state"]), int(fields.get("queuePosition", "0"))
        since = int(fields.get("recoveringSince", "0"))
        ready = fields.get("ready")
        return Row.model_validate(
            {
                "id": self.id,
                "user": fields["userName"],
                "channel": fields["channel"],
                "state": state,
                "voice": self.voice,
                "worker": fields.get("worker") or None,
                "generation": int(fields["generation"]),
                "recoveries": int(fields.get("recoveries", "0")),
                "cause": fields.get("cause") or None,
                "accepted_at": int(fields["accepted"]),
                "ready_at": int(ready) if ready else None,
                "recovering_since": since if since and state is State.RECOVERING else None,
                "position": position if position and state is State.QUEUED else None,
                "agent_state": self.agent_state if state is State.READY else None,
                "last_words": self.words,
                "scope": fields["scope"],
                "key": name_of(fields["scope"]),
            }
        )


def look(redis: Redis, watched: Sequence[Watched]) -> list[tuple[Any, ...]]:
    """Return for each of these sessions what Redis answers to it, in one round trip."""
    with redis.pipeline(transaction=False) as pipeline:
        for one in watched:
            one.ask(pipeline)
        replies = cast("list[Any]", pipeline.execute())
    return list(zip(replies[::3], replies[1::3], replies[2::3], strict=True))


def printable(text: str) -> str:
    """Return ``text`` without halves of characters, which no JSON in UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode()
