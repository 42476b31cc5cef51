"""Which questions has nobody answered, and what becomes of them?"""

from __future__ import annotations

import structlog

from sessions.connections import REDIS_AWAY
from sessions.questions.asked import Asked
from sessions.questions.tasks import GIVEN_UP, TaskResponse
from workers.app import send_question
from workers.context import Context

NOBODY_ANSWERED = "I could not find an answer in time. Please try again in a little while."

log = structlog.get_logger(__name__)


def resend(context: Context) -> int:
    """Send overdue questions again, and answer those that have waited too long with an error.

    One that cannot be dealt with is logged and comes back. Returns how many were looked at.
    """
    overdue = context.desk.overdue()
    for asked in overdue:
        try:
            _settle(context, asked)
        except REDIS_AWAY:
            raise
        except Exception:
            log.exception("question_not_settled", correlation_id=asked.correlation_id)
    return len(overdue)


def _settle(context: Context, asked: Asked) -> None:
    named = {
        "session_id": asked.session_id,
        "correlation_id": asked.correlation_id,
        "generation": asked.generation,
    }
    if context.desk.now() >= context.desk.given_up_at(asked):
        failure = TaskResponse.failure(
            asked.correlation_id, asked.session_id, sentence=NOBODY_ANSWERED, error=GIVEN_UP
        )
        if context.desk.answer(failure):
            log.error("question_given_up", sends=asked.sends, **named)
        return
    sent = send_question(asked.request, context.settings.task_transport)
    context.desk.sent_again(asked)
    log.warning("question_sent_again", sends=asked.sends + 1, sent=sent, **named)
