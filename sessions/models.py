"""What does a session consist of, and how does it look in Redis?

``Session`` and ``SessionConfig`` are the two hashes of a live session as dataclasses. Redis holds
text only, so each knows how to write itself to a flat mapping and read itself back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sessions.generations import Generation, generations_in
from sessions.states import Channel, Fault, Reason, State
from sessions.usage import Usage, usage_in

TIMELINE = ("accepted", "claimed", "joined", "ready", "userJoined", "firstAudio")
"""The stamps of a session's way to its first word, each in Unix milliseconds."""


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """What one call's agent is to be: the content of ``session:<id>:config``."""

    voice_id: str
    user_name: str
    opening_line: str
    system_prompt: str
    language: str = "en"
    agent: str = "assistant"
    knowledge: str = "sample"
    max_duration_seconds: int = 3600
    listening: bool = True
    recovery_line: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    updated_at: int = 0

    def to_hash(self) -> dict[str, str]:
        """Return the fields as Redis stores them."""
        line = {} if self.recovery_line is None else {"recoveryLine": self.recovery_line}
        return line | {
            "voiceId": self.voice_id,
            "userName": self.user_name,
            "openingLine": self.opening_line,
            "systemPrompt": self.system_prompt,
            "language": self.language,
            "agent": self.agent,
            "knowledge": self.knowledge,
            "maxDurationSeconds": str(self.max_duration_seconds),
            "listening": "1" if self.listening else "0",
            "metadata": json.dumps(self.metadata, separators=(",", ":")),
        }

    @classmethod
    def from_hash(cls, fields: Mapping[str, str]) -> SessionConfig:
        """Read a config back from Redis.

        Raises:
            KeyError: a field that every config has is missing.
        """
        return cls(
            voice_id=fields["voiceId"],
            user_name=fields["userName"],
            opening_line=fields["openingLine"],
            system_prompt=fields["systemPrompt"],
            language=fields.get("language", "en"),
            agent=fields.get("agent", "assistant"),
            knowledge=fields.get("knowledge", "sample"),
            max_duration_seconds=int(fields.get("maxDurationSeconds", "3600")),
            listening=fields.get("listening", "1") == "1",
            recovery_line=fields.get("recoveryLine"),
            metadata=json.loads(fields.get("metadata", "{}")),
            updated_at=int(fields.get("updatedAt", "0")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the fields under their public names, with their own types."""
        return {
            "voiceId": self.voice_id,
            "userName": self.user_name,
            "openingLine": self.opening_line,
            "systemPrompt": self.system_prompt,
            "language": self.language,
            "agent": self.agent,
            "knowledge": self.knowledge,
            "maxDurationSeconds": self.max_duration_seconds,
            "listening": self.listening,
            "recoveryLine": self.recovery_line,
            "metadata": dict(self.metadata),
        }


@dataclass(frozen=True, slots=True)
class Session:
    """A live session: the content of ``session:<id>``. Moments are Unix milliseconds.

    ``cause`` is why the present agent has replaced another, ``heeded`` the last order to say
    something that was carried out. ``heir`` is the generation of whoever may stand by to take over
    in good order, ``unsaid`` what the agent before has left to say. ``whip`` is what livekit-server
    calls the connection of a caller by WHIP, ``whip_tag`` its present ICE session. ``appeared``
    is whether the caller has ever been in the room.
    """

    id: str
    channel: Channel
    scope: str
    user_name: str
    state: State
    generation: int
    owned_generation: int
    owner: str
    worker: str
    task_id: str
    request_hash: str
    correlation_id: str
    traceparent: str
    timeline: Mapping[str, int]
    claimed_at: int
    priority: int
    queue_until: int
    queue_position: int
    expires_at: int
    active_at: int
    recovering_since: int
    cause: str
    heeded: str
    ending_since: int
    recoveries: int
    reason: Reason | None
    fault: Fault | None
    detail: str | None
    heir: int = 0
    unsaid: str = ""
    archive_tries: int = 0
    whip: str = ""
    whip_tag: str = ""
    appeared: bool = False
    noted: Mapping[str, str] = field(default_factory=dict[str, str], repr=False, compare=False)

    @property
    def room(self) -> str:
        """Return the name of the LiveKit room: the session id."""
        return self.id

    @property
    def generations(self) -> Sequence[Generation]:
        """Return the agents it has had; read only here, for few ask and many load sessions."""
        return generations_in(self.noted, self.generation)

    @property
    def usage(self) -> Usage:
        """Return what it has used."""
        return usage_in(self.noted, (one.number for one in self.generations))

    def is_awaited_by(self, generation: int) -> bool:
        """Tell whether an agent of ``generation`` may stand by to be the next."""
        return self.heir == generation == self.generation + 1

    @property
    def accepted(self) -> int:
        """Return when the session was accepted."""
        return self.timeline["accepted"]

    @classmethod
    def from_hash(cls, fields: Mapping[str, str]) -> Session:
        """Read a session back from Redis.

        Raises:
            KeyError: a field that every session has is missing.
        """
        reason, fault = fields.get("reason"), fields.get("fault")
        return cls(
            id=fields["id"],
            channel=Channel(fields["channel"]),
            scope=fields["scope"],
            user_name=fields["userName"],
            state=State(fields["state"]),
            generation=int(fields["generation"]),
            owned_generation=int(fields["owned"]),
            owner=fields.get("owner", ""),
            worker=fields.get("worker", ""),
            task_id=fields.get("taskId", ""),
            request_hash=fields.get("requestHash", ""),
            correlation_id=fields.get("correlationId", ""),
            traceparent=fields.get("traceparent", ""),
            timeline={name: int(fields[name]) for name in TIMELINE if name in fields},
            claimed_at=int(fields.get("claimedAt", "0")),
            priority=int(fields.get("priority", "0")),
            queue_until=int(fields.get("queueUntil", "0")),
            queue_position=int(fields.get("queuePosition", "0")),
            expires_at=int(fields["expiresAt"]),
            active_at=int(fields.get("activeAt", fields["accepted"])),
            recovering_since=int(fields.get("recoveringSince", "0")),
            cause=fields.get("cause", ""),
            heeded=fields.get("heeded", ""),
            ending_since=int(fields.get("endingAt", "0")),
            recoveries=int(fields.get("recoveries", "0")),
            reason=Reason(reason) if reason else None,
            fault=Fault(fault) if fault else None,
            detail=fields.get("detail"),
            heir=int(fields.get("heir", "0")),
            unsaid=fields.get("unsaid", "") if _is_for(fields, "unsaidFor") else "",
            archive_tries=int(fields.get("archiveTries", "0")),
            whip=fields.get("whip", ""),
            whip_tag=fields.get("whipTag", ""),
            appeared="appeared" in fields or "userJoined" in fields,
            noted=fields,
        )


def _is_for(fields: Mapping[str, str], field_name: str) -> bool:
    """Tell whether what goes with this field was meant for the present generation."""
    return fields.get(field_name) == fields["generation"]
