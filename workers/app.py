"""What is the Celery app, and how does the rest of the house hand it work?

The web front imports this module and no other of ``workers``: it sends tasks by name.
"""

from __future__ import annotations

import structlog
from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

from sessions.questions.tasks import TaskRequest, to_json
from sessions.settings import TaskTransport, get_settings
from workers.sending import Sender, SendError

# Whatever connects to a broker by its address does so by our transport.
TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "workers.broker:Transport"))

app = Celery("switchboard")
app.config_from_object("celeryconfig")

RUN_SESSION = "workers.sessions.run_session"
FINISH_SESSION = "workers.upkeep.tasks.finish_session"
LOOK_AT_SESSIONS = "workers.upkeep.tasks.look_at_sessions"
ANSWER_QUESTION = "workers.answers.answer_question"

_sender = Sender(app)

log = structlog.get_logger(__name__)


def nudge(session_id: str, generation: int) -> bool:
    """Ask for an agent process for one generation of a session; tell whether the broker took it.

    A message that is lost here or later is sent again by the reaper, so a failure is no error.
    """
    return _send(RUN_SESSION, session_id, generation)


def request_finish(session_id: str) -> bool:
    """Ask for the archiving and removal of a session that is ending; tell whether it was taken."""
    return _send(FINISH_SESSION, session_id)


def request_looks() -> bool:
    """Ask for a look at the sessions that wait for one; tell whether the broker took it.

    A message that is lost is no error: the reconciler looks at all of them.
    """
    return _send(LOOK_AT_SESSIONS)


def send_question(request: TaskRequest, transport: TaskTransport | None = None) -> bool:
    """Give a question to whoever answers it, over the transport of the settings unless told.

    Tells whether it was taken. One that was not, or is lost later, is sent again by the reaper.
    """
    try:
        if (transport or get_settings().task_transport) is TaskTransport.KAFKA:
            from workers.kafka.producer import send  # librdkafka is of no use to anybody else.

            send(request)
        else:
            # What was asked is nobody's business who watches the queue.
            _sender.send(ANSWER_QUESTION, to_json(request), shown=request.correlation_id)
    except SendError as error:
        log.warning(
            "question_not_sent",
            session_id=request.payload.session_id,
            question=request.correlation_id,
            error=str(error),
        )
        return False
    return True


def _send(task: str, *args: object) -> bool:
    try:
        _sender.send(task, *args)
    except SendError as error:
        about = args[0] if args else None
        log.warning("message_not_sent", task=task, session_id=about, error=str(error))
        return False
    return True
