"""What do the endpoints answer? The models that both the views and the OpenAPI document use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from sessions.states import Channel, Fault, Reason, State


class Answer(BaseModel):
    """The base of every answer: camelCase outside, and nothing that is not documented."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    def to_json(self) -> dict[str, Any]:
        """Return the answer as callers see it."""
        return self.model_dump(mode="json", by_alias=True)


class PlaceAnswer(Answer):
    """Where a session stands while it waits for an agent; moments are Unix milliseconds."""

    position: int = Field(description="Its place in the queue, from 1.")
    estimated_wait_ms: int | None = Field(
        description="How long it will wait still, from how long calls have lately held their "
        "slots; 0 where a slot is free, null where too few have ended to tell."
    )
    priority: int
    since: int = Field(description="When it began to wait.")
    expires_at: int = Field(description="When it ends, if no agent has come by then.")


class WaitingAnswer(PlaceAnswer):
    """A session that waits for an agent."""

    session_id: str
    user_name: str


class QueueAnswer(Answer):
    """The sessions that wait for an agent, the next one first."""

    length: int = Field(description="How many wait, of those that you can see.")
    waiting: list[WaitingAnswer]


class StartAnswer(Answer):
    """A session that has been started, now or by the same request before."""

    success: bool = True
    session_id: str = Field(description="The id to use from now on.")
    state: State
    token: str = Field(
        description="Opens the LiveKit room, and this session's endpoints as a bearer."
    )
    server_url: str | None = Field(description="Where livekit-server is; null for a text session.")
    room_name: str | None = Field(description="The LiveKit room; null for a text session.")
    voice_id: str
    websocket_url: str = Field(description="Where the session's events can be followed.")
    aliases: list[str] = Field(description="Your own names for the session.")
    queue: PlaceAnswer | None = Field(description="Its place in the queue, while it waits.")
    message: str


class EndAnswer(Answer):
    """A session that ends or has ended."""

    success: bool = True
    session_id: str
    state: State
    reason: Reason | None
    fault: Fault | None
    message: str


class ListeningAnswer(Answer):
    """Whether the agent hears the caller, now or as soon as there is one."""

    model_config = ConfigDict(alias_generator=None)

    session_id: str
    listening: bool


class ConfigAnswer(Answer):
    """What the session's agent is to be. Prompt and metadata are shown to its owner only."""

    voice_id: str
    user_name: str
    opening_line: str
    recovery_line: str | None = Field(
        default=None, description="Null where the house's own stands for it."
    )
    language: str
    agent: str
    knowledge: str | None = Field(description="Null where the session is older than the field.")
    max_duration_seconds: int
    listening: bool
    system_prompt: str | None
    metadata: dict[str, Any] | None


class TurnAnswer(Answer):
    """One utterance."""

    model_config = ConfigDict(extra="ignore")

    role: str
    text: str
    at: int = Field(description="Unix milliseconds.")
    generation: int = 0
    interrupted: bool = False
    latency_ms: int | None = Field(
        default=None, description="How long the caller had waited for it, where that is known."
    )


class GenerationAnswer(Answer):
    """One agent of a session; null is what has not happened, or is not known."""

    number: int
    worker: str | None
    host: str | None
    claimed_at: int | None = Field(description="When it took the session, Unix ms.")
    ready_at: int | None = Field(description="When it could talk, Unix ms.")
    ended_at: int | None = Field(description="When it left, or another was sent for, Unix ms.")
    cause: str | None = Field(
        description="`left` where its work was done, `lost` where nobody saw it go, or the cause "
        "for which another took over, such as `agent_died`, `lease_lost` or `handover`."
    )


class ModelUsageAnswer(Answer):
    """What was asked of one model."""

    slot: str = Field(description="`stt`, `llm`, `tts` or `embeddings`.")
    provider: str = Field(description="`embedded` is the house's own.")
    model: str
    requests: int = Field(description="Also those that failed or were given up.")
    input_tokens: int = Field(description="As the provider counts them; 0 where it does not say.")
    output_tokens: int
    characters: int = Field(description="Those given to speak or to search for, or worded by it.")
    audio_ms: int = Field(description="The sound given to hear, or made.")
    model_ms: int = Field(description="How long it took altogether.")


class UsageAnswer(Answer):
    """What a session has used, over all its agents and answers."""

    audio_in_ms: int = Field(description="The sound from the caller that agents have heard.")
    audio_out_ms: int = Field(description="The sound that agents have played.")
    models: list[ModelUsageAnswer]


class SessionSummary(Answer):
    """A session in a list."""

    session_id: str
    state: State
    channel: Channel
    user_name: str
    generation: int = Field(description="How many agents the session has asked for.")
    recoveries: int
    worker: str | None = Field(
        description="The worker whose process runs, or ran, the agent; null for a session token, "
        "as `detail` is."
    )
    accepted_at: int = Field(description="Unix milliseconds.")
    ended_at: int | None = Field(description="Unix milliseconds; null while the session lives.")
    reason: Reason | None = Field(description="Why it ends or has ended.")
    fault: Fault | None = Field(description="On whose side the cause of the end lies.")
    detail: str | None
    timeline: Mapping[str, int] = Field(description="When each step was reached, Unix ms.")


class SessionAnswer(SessionSummary):
    """A session, live or archived."""

    correlation_id: str | None
    aliases: list[str]
    room_name: str | None
    queue: PlaceAnswer | None = Field(description="Its place in the queue, while it waits.")
    config: ConfigAnswer | None
    transcript: list[TurnAnswer] | None = Field(description="Null while the session lives.")
    events: int | None = Field(
        description="How many events its log held at the end; null while the session lives."
    )
    generations: list[GenerationAnswer] = Field(description="Its agents, the first one first.")
    usage: UsageAnswer | None = Field(
        description="What it has used so far: of an agent at work, up to its last turn or renewed "
        "lease. Null where the session is older than the field."
    )


class SessionsAnswer(Answer):
    """One page of sessions, newest first."""

    sessions: list[SessionSummary]
    next_cursor: str | None = Field(
        description="Give it as `cursor` to go on; null at the end. A page may hold fewer "
        "sessions than `limit` and still not be the last."
    )


class EventAnswer(Answer):
    """One event of a session."""

    id: str = Field(description="Grows from event to event; give it as `since` to go on.")
    type: str
    data: dict[str, Any]


class EventsAnswer(Answer):
    """Events of a session, oldest first."""

    events: list[EventAnswer]
    last_id: str = Field(description="Give it as `since` to go on.")


class VoiceAnswer(Answer):
    """A voice that an agent can speak with."""

    name: str
    description: str
    default: bool


class VoicesAnswer(Answer):
    """The voices that `voiceId` may name."""

    voices: list[VoiceAnswer]


class AgentAnswer(Answer):
    """An agent that can take a call."""

    name: str
    default: bool


class AgentsAnswer(Answer):
    """The agents that `agent` may name."""

    agents: list[AgentAnswer]


class KnowledgeBaseAnswer(Answer):
    """A knowledge base that an agent can answer from."""

    name: str
    default: bool


class KnowledgeAnswer(Answer):
    """The knowledge bases that `knowledge` may name."""

    knowledge: list[KnowledgeBaseAnswer]


class ReportAnswer(Answer):
    """The report is signed. One that is old, known or of no meaning to us changes nothing."""

    heard: bool = Field(description="Whether the session it is about is looked at now.")


class HealthAnswer(Answer):
    """The process answers."""

    status: str = "ok"
    version: str


class CheckAnswer(Answer):
    """One part of the house."""

    name: str
    ok: bool
    detail: str = Field(
        description="What was found; where it is not ok, what to do. Empty for strangers."
    )


class ReadyAnswer(Answer):
    """Whether calls can be taken."""

    ready: bool
    missing: list[str] = Field(description="The names of the parts that are not ok.")
    checks: list[CheckAnswer]

    def for_strangers(self) -> ReadyAnswer:
        """Return the same without the details, which name internal addresses."""
        checks = [one.model_copy(update={"detail": ""}) for one in self.checks]
        return self.model_copy(update={"checks": checks})


class FieldProblemAnswer(Answer):
    """One thing wrong with one field."""

    field: str
    message: str
    nearest: str | None = Field(description="The known name that is most like the one sent.")


class Problem(Answer):
    """An error (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable and made for programs.")
    errors: list[FieldProblemAnswer] | None = Field(default=None, description="For 422.")
    known: list[str] | None = Field(default=None, description="The known voices, for 422.")
