"""What happens to a message once it is known into which session it goes?"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from redis.exceptions import RedisError

from orchestrator.access.principal import Principal
from orchestrator.reading.lookup import AnySession
from orchestrator.services import Services
from sessions import keys
from sessions.errors import SessionOverError, UnknownQuestionError
from sessions.models import Session
from sessions.questions.asked import Asked
from sessions.questions.messages import ChatMessage
from sessions.questions.tasks import TaskRequest
from workers.app import send_question

log = structlog.get_logger(__name__)


def ask(
    house: Services,
    session: AnySession,
    wanted: ChatMessage,
    before_sending: Callable[[TaskRequest], None] | None = None,
) -> TaskRequest:
    """Have a message asked, and send it to whoever answers it.

    ``before_sending`` may tell whoever asked, so that it knows of the question before the answer.

    Raises:
        SessionOverError: the session has ended.
        LimitReachedError: it has asked too much in this minute.
    """
    if not isinstance(session, Session):
        raise SessionOverError(
            f"The session {session.id} has ended. Write without a session_id, or under another "
            "name, to begin a new one."
        )
    request = house.asker.ask(
        session,
        wanted.message,
        user_id=wanted.user_id,
        context=wanted.context,
        speak=wanted.speak,
    )
    log.info("question_asked", question=request.correlation_id, task_type=request.task_type)
    if before_sending is not None:
        before_sending(request)
    send_question(request, house.settings.task_transport)
    return request


def find_question(house: Services, principal: Principal, correlation_id: str) -> Asked:
    """Return a question that ``principal`` may see.

    Raises:
        UnknownQuestionError: there is none; one of somebody else's looks the same.
    """
    asked = house.desk.get(correlation_id)
    if asked is None or not _may_see(principal, asked):
        raise UnknownQuestionError(
            f"There is no question {correlation_id[:64]!r} that you can see, or not any longer."
        )
    return asked


def wait_for_answer(house: Services, correlation_id: str, seconds: float) -> Asked | None:
    """Return the question as soon as it is answered, or as it is after ``seconds``.

    A store that goes away meanwhile ends the waiting.
    """
    deadline = time.monotonic() + seconds
    try:
        with house.blocking_redis.pubsub(ignore_subscribe_messages=True) as wake_ups:
            wake_ups.subscribe(keys.question(correlation_id))
            while True:
                asked = house.desk.get(correlation_id)
                left = deadline - time.monotonic()
                if asked is None or asked.response is not None or left <= 0:
                    return asked
                wake_ups.get_message(timeout=left)
    except RedisError:
        return None


def _may_see(principal: Principal, asked: Asked) -> bool:
    if principal.session_id is not None:
        return principal.session_id == asked.session_id
    return principal.admin or principal.scope == asked.scope
