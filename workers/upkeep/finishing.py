"""How does a session end for good? Archived first, then removed."""

from __future__ import annotations

import asyncio

import structlog

from sessions.logs import about
from sessions.models import Session
from sessions.states import Channel
from sessions.tracing import span
from workers.context import Context
from workers.upkeep.archiving import archive

log = structlog.get_logger(__name__)


def finish(context: Context, session: Session) -> None:
    """Archive a session that is ``ending`` and remove it, its room included.

    Doing it twice, or two workers at once, changes nothing. If Redis is away, the session stays as
    it is and the reaper comes back; if the database is away, it comes back later and later.
    """
    with (
        span("finish", session.traceparent, session_id=session.id),
        about(session),
    ):
        _finish(context, session)


def _finish(context: Context, session: Session) -> None:
    if not session.archive_tries:
        context.store.settle(session.id)
        # An agent that has left in good order has taken its room down.
        left = session.owned_generation == session.generation and not session.owner
        if session.channel is Channel.VOICE and not left:
            _close_room(context, session.id)
    if archive(context, session):
        refused = context.store.finish(session)
        log.info("session_ended", reason=session.reason, refused=refused)


def _close_room(context: Context, session_id: str) -> None:
    from agents.voice.rooms import LiveKitErrors, delete_room

    try:
        asyncio.run(delete_room(context.settings, session_id))
    except LiveKitErrors as error:
        # The reconciler takes down rooms without a session once LiveKit is back.
        log.warning("room_not_deleted", error=str(error))
