"""What is the answer to a question that has travelled here? Every transport asks this one function.

It needs the database and whoever makes embeddings, never Redis: it runs as well on a machine that
reaches nothing but a Kafka broker.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import structlog

from agents.knowledge.answers import AWAY
from sessions.errors import KnowledgeError, ProviderError
from sessions.metering import metering
from sessions.providers import check_providers
from sessions.questions.tasks import Status, TaskRequest, TaskResponse, TaskResult
from sessions.settings import get_settings

if TYPE_CHECKING:
    from agents.knowledge.answering import Answerer

FAILED = "Something went wrong while I looked for an answer. Please try again in a little while."

log = structlog.get_logger(__name__)


def answer_request(request: TaskRequest) -> TaskResponse:
    """Return the answer to ``request``; a failure is an answer too, and nothing is raised."""
    with metering() as meter:
        response = _answer_or_failure(request)
    usage = meter.usage
    return response.model_copy(update={"usage": usage.to_json()}) if usage.models else response


def _answer_or_failure(request: TaskRequest) -> TaskResponse:
    session_id, correlation_id = request.payload.session_id, request.correlation_id
    with structlog.contextvars.bound_contextvars(
        session_id=session_id, correlation_id=correlation_id
    ):
        try:
            return _answer(request)
        except ProviderError as error:
            log.warning("question_failed", task_type=request.task_type, error=str(error))
            sentence, named = AWAY, error.code
        except KnowledgeError as error:
            log.error("question_failed", task_type=request.task_type, error=str(error))
            sentence, named = FAILED, error.code
        except Exception as error:
            log.exception("question_failed", task_type=request.task_type)
            sentence, named = FAILED, type(error).__name__
    return TaskResponse.failure(correlation_id, session_id, sentence=sentence, error=named)


def prepare_answering() -> None:
    """Do what only the main thread may, before any other thread answers.

    Raises:
        ConfigurationError: the providers are not configured as they should be.
    """
    settings = get_settings()
    check_providers(settings)
    if settings.llm_plugin:
        from agents.providers.wording import wording

        wording()


@cache
def answerer() -> Answerer:
    """Return the answerer of this process, made when it is first needed."""
    from agents.knowledge.answering import Answerer

    settings = get_settings()
    if not settings.llm_plugin:
        return Answerer(settings)
    # Costs LiveKit's whole framework, so it is imported only where a plugin is to think.
    from agents.providers.wording import wording

    return Answerer(settings, wording().words)


def _answer(request: TaskRequest) -> TaskResponse:
    from agents.knowledge.answering import Question

    payload = request.payload
    answer = answerer().answer(
        Question(
            task_type=request.task_type,
            message=payload.message,
            knowledge=payload.user_context.knowledge,
            language=payload.user_context.language,
            history=payload.conversation_history,
            prompt=payload.user_context.prompt,
        )
    )
    result = TaskResult(
        response=answer.response,
        sources=list(answer.sources),
        requires_human_handoff=answer.requires_human_handoff,
        suggested_actions=list(answer.suggested_actions),
        session_id=payload.session_id,
    )
    return TaskResponse(correlation_id=request.correlation_id, status=Status.SUCCESS, result=result)
