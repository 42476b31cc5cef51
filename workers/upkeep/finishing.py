"""How does a session end for good? Archived first, then removed."""

from __future__ import annotations

import asyncio

import structlog
from structlog.contextvars import bound_contextvars

from sessions.archive import ArchivedSession
from sessions.history import read_history
from sessions.models import Session
from sessions.states import Channel, Fault, Reason
from sessions.tracing import span
from workers.context import Context

log = structlog.get_logger(__name__)


def finish(context: Context, session: Session) -> None:
    """Archive a session that is ``ending`` and remove it, its room included.

    Doing it twice, or two workers at once, changes nothing. If the database or Redis is away, the
    session stays as it is and the reaper comes back.
    """
    with (
        span("finish", session.traceparent, session_id=session.id),
        bound_contextvars(
            session_id=session.id,
            correlation_id=session.correlation_id,
            generation=session.generation,
        ),
    ):
        _finish(context, session)


def _finish(context: Context, session: Session) -> None:
    context.store.settle(session.id)
    context.archive.save(_summary(context, session), context.directory.aliases(session))
    refused = context.store.finish(session)
    log.info("session_ended", reason=session.reason, refused=refused)
    # An agent that has left in good order has taken its room down.
    left = session.owned_generation == session.generation and not session.owner
    if session.channel is Channel.VOICE and not left:
        _close_room(context, session.id)


def _summary(context: Context, session: Session) -> ArchivedSession:
    config = context.directory.config(session.id)
    return ArchivedSession(
        id=session.id,
        scope=session.scope,
        user_name=session.user_name,
        channel=session.channel,
        reason=session.reason or Reason.AGENT_ERROR,
        fault=session.fault or Fault.PLATFORM,
        detail=session.detail,
        generation=session.generation,
        recoveries=session.recoveries,
        worker=session.worker,
        accepted_at=session.accepted,
        ended_at=context.store.now(),
        config=config.to_json() if config else {},
        timeline=dict(session.timeline),
        transcript=[turn.to_json() for turn in read_history(context.redis, session.id)],
    )


def _close_room(context: Context, session_id: str) -> None:
    from agents.voice.rooms import LiveKitErrors, delete_room

    try:
        asyncio.run(delete_room(context.settings, session_id))
    except LiveKitErrors as error:
        # The reconciler takes down rooms without a session once LiveKit is back.
        log.warning("room_not_deleted", error=str(error))
