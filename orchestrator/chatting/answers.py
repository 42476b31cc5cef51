"""What does the chat answer? In snake_case, as it was published."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from orchestrator.http.answers import Answer
from sessions.questions.asked import Asked
from sessions.questions.tasks import Status, TaskRequest


class _Question(Answer):
    """What is known of every question."""

    model_config = ConfigDict(alias_generator=None)

    correlation_id: str = Field(description="The question; `GET /chat/<correlation_id>` has it.")
    session_id: str
    task_type: str = Field(description="What the message was found to be about.")


class PendingAnswer(_Question):
    """A question that waits for its answer."""

    status: Literal["pending"] = "pending"

    @classmethod
    def of(cls, request: TaskRequest) -> PendingAnswer:
        """Return what there is to tell of a question that was just asked."""
        return cls(
            correlation_id=request.correlation_id,
            session_id=request.payload.session_id,
            task_type=request.task_type,
        )


class AnsweredAnswer(_Question):
    """A question with its answer."""

    status: Status = Field(description="`ERROR` where nobody could deal with the question.")
    response: str
    sources: list[str]
    requires_human_handoff: bool
    suggested_actions: list[str]
    error: str | None = Field(description="For whoever reads logs.")

    @classmethod
    def of(cls, asked: Asked) -> AnsweredAnswer | None:
        """Return the answer to a question, or ``None`` if there is none yet."""
        if asked.response is None:
            return None
        result = asked.response.result
        return cls(
            correlation_id=asked.correlation_id,
            session_id=asked.session_id,
            task_type=asked.request.task_type,
            status=asked.response.status,
            response=result.response,
            sources=result.sources,
            requires_human_handoff=result.requires_human_handoff,
            suggested_actions=result.suggested_actions,
            error=result.error,
        )
