"""For which session is an offer?

An offer under a name that a live session has joins that session anew: a connection by WHIP is
negotiated once, so whoever loses theirs, or the agent on it, offers again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.access.principal import Principal
from orchestrator.reading.lookup import load
from orchestrator.services import Services
from orchestrator.whip.queries import CallQuery
from sessions import ids
from sessions.errors import (
    FieldProblem,
    InvalidRequestError,
    SessionOverError,
    UnknownSessionError,
    WrongChannelError,
)
from sessions.models import Session
from sessions.requests import parse
from sessions.states import Channel, State
from workers.app import nudge


@dataclass(frozen=True, slots=True)
class Call:
    """A session that somebody wants to join; ``new`` if this very request has started it."""

    session: Session
    new: bool


def find_or_start(
    house: Services,
    caller: Principal,
    name: str | None,
    query: Mapping[str, str],
    correlation_id: str,
) -> Call:
    """Return the call that an offer is for, started if need be.

    Raises:
        InvalidRequestError: a field of the query is wrong or unknown.
        AliasConflictError: ``name`` is that of a session that was asked for differently.
        SessionOverError: it is that of a session that ends or has ended.
        WrongChannelError: it is that of a session without a room.
        NoCapacityError, QueueFullError, LimitReachedError: see ``Starter.start``.
    """
    named = _named(house, caller, name)
    if named is not None and not query:
        return Call(_joinable(named), new=False)
    if caller.session_id is not None:
        message = "is for starting a session, and a session token joins its own"
        raise InvalidRequestError([FieldProblem(field, message) for field in query])
    started = house.starter.start(
        parse(CallQuery, query).to_start(),
        caller.scope,
        limits=caller.limits,
        aliases=[name] if name else [],
        correlation_id=correlation_id,
    )
    if started.replayed:
        return Call(_joinable(started.session), new=False)
    nudge(started.session.id, started.session.generation)
    return Call(started.session, new=True)


def _named(house: Services, caller: Principal, name: str | None) -> Session | None:
    """Return the live session of the caller's own that ``name`` is of, if there is one."""
    if caller.session_id is not None:
        return _of_token(house, caller.session_id, name)
    if name is None:
        return None
    session_id = house.directory.by_alias(caller.scope, name)
    if session_id is None and ids.is_session_id(name):
        session_id = name
    found = load(house, session_id) if session_id else None
    if found is None or found.scope != caller.scope:
        return None
    if not isinstance(found, Session):
        raise SessionOverError(f"The session {found.id} has ended.")
    return found


def _of_token(house: Services, own_id: str, name: str | None) -> Session:
    session = house.directory.load(own_id)
    if session is None:
        raise SessionOverError(f"The session {own_id} has ended.")
    if name not in (None, own_id) and house.directory.by_alias(session.scope, name) != own_id:
        raise UnknownSessionError(f"There is no session {name!r} that you can see.")
    return session


def _joinable(session: Session) -> Session:
    if session.channel is not Channel.VOICE:
        raise WrongChannelError("A text session has no room to call.")
    if session.state in (State.ENDING, State.ENDED):
        raise SessionOverError(f"The session {session.id} has ended.")
    return session
