"""What does the dashboard answer about one session, and to a search?"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from orchestrator.http.answers import (
    Answer,
    EventAnswer,
    GenerationAnswer,
    PlaceAnswer,
    SessionSummary,
    TurnAnswer,
    UsageAnswer,
)


class PublicConfig(Answer):
    """What the session's agent is to be, but for its prompt and its lines."""

    voice_id: str
    language: str
    agent: str
    knowledge: str | None
    max_duration_seconds: int
    listening: bool


class SessionPage(SessionSummary):
    """One session, live or ended, as its page shows it."""

    scope: str = Field(description="The id of the API key that started it.")
    key: str = Field(description="That key's name, or the scope where it has none.")
    correlation_id: str | None
    aliases: Sequence[str]
    room_name: str | None
    queue: PlaceAnswer | None
    config: PublicConfig | None
    transcript: Sequence[TurnAnswer] = Field(description="What was said so far, or altogether.")
    events: Sequence[EventAnswer] = Field(
        description="The newest 500, oldest first; none where they are no longer kept."
    )
    events_total: int = Field(description="How many its log holds, or held at the end.")
    last_event_id: str = Field(
        description="Give it as `since` to `/orchestrator/session/{id}/events` when a row of the "
        "session comes, and only the new ones are read."
    )
    generations: Sequence[GenerationAnswer]
    usage: UsageAnswer | None


class PromptAnswer(Answer):
    """What a session's agent was told to be. Each look at it is logged."""

    session_id: str
    system_prompt: str
    opening_line: str
    recovery_line: str | None


class FoundSession(SessionSummary):
    """A session that was searched for."""

    voice: str | None
    scope: str
    key: str = Field(description="The name of the API key that started it, or its scope.")


class FoundAnswer(Answer):
    """One page of what was found, newest first."""

    sessions: Sequence[FoundSession]
    next_cursor: str | None = Field(
        description="Give it as `before` to go on; null at the end. A page may hold fewer "
        "sessions than `limit`, even none, and still not be the last."
    )
