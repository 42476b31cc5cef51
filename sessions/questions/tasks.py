"""How does a question travel to whoever answers it, and how does the answer come back?

The two shapes are the same on every transport; ``docs/schemas`` has them as JSON Schema. A reader
takes more than it knows and ignores it; a writer writes exactly this.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

MAX_MESSAGE_CHARACTERS = 4_000

GENERAL_INFO = "general_info"
HUMAN_HANDOFF = "human_handoff"
SMALL_TALK = "small_talk"

GIVEN_UP = "answer_timeout"
"""The error of a question that nobody has answered in time."""

TRY_AGAIN_LATER = "try_again_later"

TASK_TYPE_PATTERN = r"^[a-z][a-z0-9_]{0,63}$"
TaskType = Annotated[str, StringConstraints(pattern=TASK_TYPE_PATTERN)]
CorrelationId = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Message = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_MESSAGE_CHARACTERS)
]


_DISCREET = ConfigDict(hide_input_in_errors=True)
"""What is wrong with a message is logged, and its content must not be."""


class Status(StrEnum):
    """Whether a question could be dealt with; an honest "I do not know" is a success."""

    SUCCESS = "SUCCESS"
    ERROR = "ERROR"


class Utterance(BaseModel):
    """One turn of the conversation so far."""

    role: Literal["user", "assistant"]
    text: str


class UserContext(BaseModel):
    """Who asks, and what their session says of them; clients may add fields of their own."""

    model_config = ConfigDict(extra="allow")

    user_id: str = ""
    knowledge: str = Field(default="", description="The knowledge base to ask; empty: the default.")
    language: str = "en"
    prompt: str = Field(default="", description="Who the session's agent is to be.")


class TaskPayload(BaseModel):
    """What is asked, by whom, and after what."""

    message: Message
    session_id: str
    user_context: UserContext = Field(default_factory=UserContext)
    conversation_history: list[Utterance] = Field(default_factory=list[Utterance])


class TaskRequest(BaseModel):
    """A question on its way to whoever answers it."""

    model_config = _DISCREET

    message_type: Literal["task_request"] = "task_request"
    correlation_id: CorrelationId
    task_type: TaskType
    payload: TaskPayload
    timestamp: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))


class TaskResult(BaseModel):
    """What is answered. ``session_id`` is null only where the request could not be parsed."""

    response: str
    sources: list[str] = Field(default_factory=list[str])
    requires_human_handoff: bool = False
    suggested_actions: list[str] = Field(default_factory=list[str])
    session_id: str | None
    error: str | None = Field(default=None, exclude_if=lambda value: value is None)


class TaskResponse(BaseModel):
    """An answer on its way back. ``correlation_id`` is null where none could be read."""

    model_config = _DISCREET

    correlation_id: CorrelationId | None
    status: Status
    result: TaskResult
    usage: dict[str, Any] | None = Field(
        default=None,
        description="What the answer took of which model, as a session shows it.",
        exclude_if=lambda value: value is None,
    )

    @classmethod
    def failure(
        cls, correlation_id: str | None, session_id: str | None, *, sentence: str, error: str
    ) -> TaskResponse:
        """Return the answer to a question that nobody could deal with.

        ``sentence`` is for the person who asked, ``error`` for whoever reads the logs.
        """
        result = TaskResult(
            response=sentence,
            requires_human_handoff=True,
            suggested_actions=[TRY_AGAIN_LATER],
            session_id=session_id,
            error=error,
        )
        return cls(correlation_id=correlation_id, status=Status.ERROR, result=result)


class AgentResponse(BaseModel):
    """The ``data`` of the event that brings an answer to the clients of a session."""

    model_config = _DISCREET

    session_id: str
    response: str
    requires_human_handoff: bool = False
    suggested_actions: list[str] = Field(default_factory=list[str])
    sources: list[str] = Field(default_factory=list[str])
    correlation_id: CorrelationId | None = Field(
        default=None,
        description="The question that is answered; absent for what was only spoken.",
        exclude_if=lambda value: value is None,
    )


def to_json(message: TaskRequest | TaskResponse | AgentResponse) -> Mapping[str, Any]:
    """Return a message as it travels."""
    return message.model_dump(mode="json")
