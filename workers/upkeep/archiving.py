"""How does an ended session get into the archive, and what happens while the database is away?

Then it stays as it is, ``ending`` and whole, and is tried again later and later. Thousands may wait
like that: so for a moment after one has failed nobody else in this process tries. A database that
hangs may not even fail, so only some of the threads ever wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import BoundedSemaphore

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from sessions.archived import ArchivedSession
from sessions.events import EventLog
from sessions.generations import Generation
from sessions.history import read_history
from sessions.models import Session
from sessions.states import Fault, Reason
from workers.context import Context

log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 1.9
"""Just under the rhythm of the reaper: each of its rounds asks the database once."""
_EVENTS_TO_COME = 2
"""``session_state`` and ``session_ended``, which tell that it is archived."""

_TURNS = 4
"""Of the eight threads that upkeep has: the others see to calls that have lost their agent."""
_TURN_SECONDS = 1.0
"""As many saves as that one after the other take far less than so long."""

_away_until: dict[str, float] = {}
"""By the database's address."""
_turns = BoundedSemaphore(_TURNS)


def archive(context: Context, session: Session) -> bool:
    """Write a session to the archive; tell whether it is there, and else put it off."""
    database = context.settings.database_url
    if not _is_known_away(database):
        try:
            with _turn():
                if not _is_known_away(database):
                    whole, aliases = _whole(context, session), context.directory.aliases(session)
                    context.archive.save(whole, aliases)
                    return True
        except (SQLAlchemyError, OSError) as error:
            if _is_away(error):
                _away_until[database] = time.monotonic() + _PAUSE_SECONDS
            # Not the whole error: it may quote what was said.
            log.error("session_not_archived", why=_name(error), tries=session.archive_tries + 1)
    context.store.wait_for_archive(session.id)
    return False


def _is_known_away(database: str) -> bool:
    return time.monotonic() < _away_until.get(database, 0.0)


@contextmanager
def _turn() -> Iterator[None]:
    """Be one of the few that wait for the database.

    Raises:
        TimeoutError: as many as may wait for it already, and none of them gets on.
    """
    if not _turns.acquire(timeout=_TURN_SECONDS):
        raise TimeoutError
    try:
        yield
    finally:
        _turns.release()


def _is_away(error: Exception) -> bool:
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, (OperationalError, InterfaceError, PoolTimeoutError, OSError))


def _name(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else None
    return type(cause or error).__name__


def _whole(context: Context, session: Session) -> ArchivedSession:
    """Return all that is known of a session that is over."""
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
        correlation_id=session.correlation_id,
        accepted_at=session.accepted,
        ended_at=context.store.now(),
        config=config.to_json() if config else {},
        timeline={**session.timeline, "ending": session.ending_since},
        transcript=[turn.to_json() for turn in read_history(context.redis, session.id)],
        events=EventLog(context.redis).count(session.id) + _EVENTS_TO_COME,
        generations=[one.to_json() for one in _settled(session)],
        usage=session.usage.to_json(),
    )


def _settled(session: Session) -> list[Generation]:
    """Return the session's agents; one that was there and has not been seen to go was lost."""
    return [
        replace(one, cause="lost") if one.claimed_at and not one.ended_at else one
        for one in session.generations
    ]
