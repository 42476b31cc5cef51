"""How does a test get a question, and an answer to it?"""

from __future__ import annotations

from typing import Any

from sessions.questions.asking import new_correlation_id
from sessions.questions.tasks import (
    GENERAL_INFO,
    Status,
    TaskPayload,
    TaskRequest,
    TaskResponse,
    TaskResult,
    UserContext,
)


def question(session_id: str, message: str = "When do you open?", **fields: Any) -> TaskRequest:
    """Return a question asked in a session."""
    context = UserContext(user_id="Ada", knowledge=fields.pop("knowledge", "sample"))
    values = {"correlation_id": new_correlation_id(), "task_type": GENERAL_INFO, **fields}
    payload = TaskPayload(message=message, session_id=session_id, user_context=context)
    return TaskRequest(payload=payload, **values)


def answer_to(correlation_id: str, text: str = "At nine.", **fields: Any) -> TaskResponse:
    """Return a good answer to the question of this id."""
    values = {"sources": ["hours.md"], "session_id": None, **fields}
    result = TaskResult(response=text, **values)
    return TaskResponse(correlation_id=correlation_id, status=Status.SUCCESS, result=result)
