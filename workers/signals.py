"""What happens when a worker or one of its children starts, and when a child dies?"""

from __future__ import annotations

import gc
import sys
from typing import Any

import structlog
from billiard.exceptions import WorkerLostError
from celery.signals import (
    setup_logging,
    task_failure,
    worker_init,
    worker_process_init,
    worker_shutdown,
)

from sessions.errors import ConfigurationError
from sessions.logs import about, configure_logging
from sessions.models import Session
from sessions.outcomes import Refusal
from sessions.providers import check_providers
from sessions.settings import get_settings
from sessions.tracing import start_tracing
from workers.answering import prepare_answering
from workers.app import RUN_SESSION, nudge, request_finish
from workers.attendance import Attending, answers_questions, take_ahead
from workers.context import get_context
from workers.failing import Failsafe
from workers.owner import Owner
from workers.warden import Warden

log = structlog.get_logger(__name__)

_runs_sessions = False
"""Whether this is a worker that takes calls, or a child forked by one."""


@setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    configure_logging(get_settings())


@worker_init.connect
def _prepare(sender: Any, **_: Any) -> None:
    """Make the parent ready, or end it with one sentence: Celery would go on after any error."""
    configure_logging(get_settings())  # Celery asks for it only later.
    try:
        if runs_sessions(sender.app):
            _warm_parent(sender)
        else:
            check_providers(get_settings())
            start_tracing(get_settings(), "upkeep")
        if answers_questions(sender.app):
            prepare_answering()
            sender.app.steps["consumer"].add(Attending)
            if not runs_sessions(sender.app):
                take_ahead(sender)
    except ConfigurationError as error:
        sys.exit(str(error))
    sender.app.steps["worker"].add(Failsafe)


def _warm_parent(sender: Any) -> None:
    """Import all that a call needs once, so that children are forked with it."""
    global _runs_sessions
    _runs_sessions = True
    # What is imported stays: to look through it again and again takes a fifth of the time.
    gc.disable()
    import agents.voice.call  # noqa: F401
    from agents.voice.warmth import prepare

    prepare(get_settings())
    gc.collect()
    gc.freeze()
    gc.enable()
    sender.app.steps["consumer"].add(Warden)


def runs_sessions(celery_app: Any) -> bool:
    """Tell whether a worker takes calls: it does if it listens to the queue ``sessions``."""
    return "sessions" in celery_app.amqp.queues.consume_from


@worker_process_init.connect
def _warm_child(**_: Any) -> None:
    if not _runs_sessions:
        return
    from agents.voice.tracing import trace_agent
    from agents.voice.warmth import warm

    warm(get_settings())
    trace_agent(get_settings())
    get_context().redis.ping()


@task_failure.connect
def _recover_lost_call(sender: Any, args: Any, exception: BaseException, **_: Any) -> None:
    """A child has died in the middle of a call; the parent asks for another agent at once."""
    if sender.name != RUN_SESSION or not isinstance(exception, WorkerLostError):
        return
    session_id, generation = args
    context = get_context()
    session = context.directory.load(session_id)
    if _is_served(session, generation):
        # The one that died had come for a message that was doubled, and had not gone yet.
        log.info("spare_agent_died", session_id=session_id, generation=generation)
        return
    recovered = context.store.recover(
        session_id, "agent_died", generation=generation, unless_leased=False
    )
    with about(session):
        died = {"session_id": session_id, "generation": generation, "error": str(exception)}
        log.warning("agent_died", **died)
    if not isinstance(recovered, Refusal):
        nudge(session_id, recovered)
    elif recovered.why == "given_up":
        request_finish(session_id)


def _is_served(session: Session | None, generation: int) -> bool:
    """Tell whether a process that still runs has claimed this generation of a session."""
    owner = Owner.parse(session.owner) if session else None
    return owner is not None and owner.generation == generation and owner.may_live()


@worker_shutdown.connect
def _leave_fleet(sender: Any, **_: Any) -> None:
    if _runs_sessions:
        get_context().fleet.leave(sender.hostname)
