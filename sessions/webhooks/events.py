"""Which events leave the house, and what does each say?

The body is that of Standard Webhooks: ``type``, ``timestamp`` and ``data``. It is made once and
kept, so every attempt says the same. No prompt and no token is ever in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sessions import keys
from sessions.archive import ArchivedSession


class WebhookEvent(StrEnum):
    """What an endpoint can be told."""

    READY = "session.ready"
    ENDED = "session.ended"
    HANDOFF_REQUESTED = "session.handoff_requested"


TEST = "webhook.test"
"""What `switchboard webhooks test` sends; it is about no session."""

_TEXTS = ("correlation_id", "question", "response")
_LISTS = ("suggested_actions", "sources")


@dataclass(frozen=True, slots=True)
class Announcement:
    """One entry of the outbox: what ``announce`` in ``lua/_common.lua`` wrote."""

    entry: str
    type: str
    at: int
    session_id: str
    scope: str
    user_name: str
    channel: str
    accepted: int
    correlation_id: str
    aliases: tuple[str, ...]
    data: Mapping[str, Any]

    @classmethod
    def read(cls, entry: str, fields: Mapping[str, str]) -> Announcement:
        """Read an entry.

        Raises:
            KeyError, ValueError: it is none of ours.
        """
        scope = fields["scope"]
        named = keys.alias(scope, "")
        aliases = sorted(name.removeprefix(named) for name in fields["aliases"].split())
        return cls(
            entry=entry,
            type=WebhookEvent(fields["type"]),
            at=int(fields["at"]),
            session_id=fields["session"],
            scope=scope,
            user_name=fields["user"],
            channel=fields["channel"],
            accepted=int(fields["accepted"]),
            correlation_id=fields["correlation"],
            aliases=tuple(aliases),
            data=json.loads(fields["data"]),
        )


def body_of(told: Announcement, archived: ArchivedSession | None) -> str:
    """Return what an endpoint is sent; ``archived`` is the session, if it has ended."""
    data: dict[str, Any] = {
        "session_id": told.session_id,
        "aliases": list(told.aliases),
        "user_name": told.user_name,
        "channel": told.channel,
        "accepted_at": moment(told.accepted),
    }
    match told.type:
        case WebhookEvent.ENDED:
            data |= {"reason": told.data["reason"], "fault": told.data["fault"]}
            data |= _course(told, archived)
        case WebhookEvent.HANDOFF_REQUESTED:
            data |= {name: told.data.get(name) for name in _TEXTS}
            # What is empty comes out of Lua as an object.
            data |= {name: list(told.data.get(name) or ()) for name in _LISTS}
        case _:
            pass
    return _body(told.type, told.at, data)


def test_body(at: int, endpoint_id: str) -> str:
    """Return what a test is sent with."""
    return _body(TEST, at, {"endpoint_id": endpoint_id})


def moment(milliseconds: int) -> str:
    """Return a moment as ISO 8601 has it."""
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _course(told: Announcement, archived: ArchivedSession | None) -> dict[str, Any]:
    ended = archived.ended_at if archived else told.at
    return {
        "ended_at": moment(ended),
        "duration_seconds": round(max(0, ended - told.accepted) / 1000, 3),
        "recoveries": archived.recoveries if archived else None,
        "usage": dict(archived.usage) if archived else None,
    }


def _body(kind: str, at: int, data: Mapping[str, Any]) -> str:
    document = {"type": kind, "timestamp": moment(at), "data": data}
    return json.dumps(document, separators=(",", ":"))
