"""What is kept of a session after it has ended, and by what is it found?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ArchivedSession:
    """An ended session. What ``transcript``, ``generations`` and ``usage`` hold is in their types.

    These are ``Turn``, ``Generation`` and ``Usage``, each as its ``to_json`` gives it.
    """

    id: str
    scope: str
    user_name: str
    channel: str
    reason: str
    fault: str
    detail: str | None
    generation: int
    recoveries: int
    worker: str
    accepted_at: int
    ended_at: int
    config: Mapping[str, Any]
    timeline: Mapping[str, int]
    transcript: Sequence[Mapping[str, Any]]
    correlation_id: str = ""
    events: int = 0
    generations: Sequence[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    usage: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_json(self, aliases: Sequence[str] = ()) -> dict[str, Any]:
        """Return the session as a line of an export, under its public names."""
        return {
            "sessionId": self.id,
            "scope": self.scope,
            "userName": self.user_name,
            "channel": self.channel,
            "reason": self.reason,
            "fault": self.fault,
            "detail": self.detail,
            "generation": self.generation,
            "recoveries": self.recoveries,
            "worker": self.worker or None,
            "correlationId": self.correlation_id or None,
            "acceptedAt": self.accepted_at,
            "endedAt": self.ended_at,
            "aliases": list(aliases),
            "config": dict(self.config),
            "timeline": dict(self.timeline),
            "events": self.events,
            "generations": list(self.generations),
            "usage": dict(self.usage) or None,
            "transcript": list(self.transcript),
        }


@dataclass(frozen=True, slots=True)
class ArchiveFilter:
    """Which ended sessions to list; ``None`` sets no condition. ``before`` is (accepted ms, id).

    They were accepted from ``since`` to before ``until`` (ms).
    """

    scope: str | None = None
    user_name: str | None = None
    channel: str | None = None
    reason: str | None = None
    before: tuple[int, str] | None = None
    fault: str | None = None
    since: int | None = None
    until: int | None = None
