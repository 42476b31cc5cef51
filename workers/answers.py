"""The task that answers a question which came over Celery."""

from __future__ import annotations

from typing import Any

import structlog

from sessions.questions.tasks import TaskRequest
from workers.answering import answer_request
from workers.app import ANSWER_QUESTION, app
from workers.context import get_context

log = structlog.get_logger(__name__)


@app.task(name=ANSWER_QUESTION)
def answer_question(message: dict[str, Any]) -> None:
    """Answer one question and deliver the answer.

    The message is only a nudge: of a question that has its answer, nothing comes.
    """
    request = TaskRequest.model_validate(message)
    desk = get_context().desk
    asked = desk.get(request.correlation_id)
    if asked is None or asked.response is not None:
        return
    response = answer_request(request)
    first = desk.answer(response)
    log.info(
        "question_answered",
        session_id=asked.session_id,
        generation=asked.generation,
        correlation_id=request.correlation_id,
        status=response.status,
        first=first,
    )
