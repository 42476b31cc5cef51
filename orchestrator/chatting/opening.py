"""Into which session does a message go, and what if there is none of that name yet?

A plain chat client names its conversation itself. A name that nobody knows, and that does not look
like one of our ids, makes a session in writing; whoever holds a session's token has one already.
"""

from __future__ import annotations

import re

from orchestrator.access.principal import Principal
from orchestrator.reading import lookup
from orchestrator.reading.lookup import AnySession
from orchestrator.services import Services
from sessions import ids
from sessions.errors import (
    AliasConflictError,
    FieldProblem,
    InvalidIdError,
    InvalidRequestError,
    UnknownSessionError,
)
from sessions.requests import StartRequest, parse

_LIKE_AN_ID = re.compile("session_[0-9]")
_ATTEMPTS = 5


def session_for(
    house: Services,
    principal: Principal,
    reference: str | None,
    user_name: str | None,
    correlation_id: str,
) -> AnySession:
    """Return the session that ``reference`` means, or a new one in writing.

    Raises:
        InvalidIdError: it is neither an id nor can it be a name.
        UnknownSessionError: it is an id, and the caller sees no session of it.
        InvalidRequestError: a session has to be made, and nobody says whose.
        LimitReachedError: see ``SessionStore.create``.
    """
    if principal.session_id is not None:
        return lookup.find(house, principal, reference or principal.session_id)
    if reference is None:
        return _open(house, principal, None, user_name, correlation_id)
    for _ in range(_ATTEMPTS):
        try:
            return lookup.find(house, principal, reference)
        except InvalidIdError:
            if not ids.is_alias(reference) or _LIKE_AN_ID.match(reference):
                raise
        try:
            return _open(house, principal, reference, user_name or reference, correlation_id)
        except AliasConflictError:
            continue  # Somebody else has just made it.
    raise UnknownSessionError(f"The session {reference!r} keeps ending; try another name.")


def _open(
    house: Services,
    principal: Principal,
    alias: str | None,
    user_name: str | None,
    correlation_id: str,
) -> AnySession:
    if user_name is None:
        message = "says whose session is to be made where no session_id names one"
        raise InvalidRequestError([FieldProblem("user_id", message)])
    wanted = {"userName": user_name, "channel": "text"}
    if alias is not None:
        wanted["correlationToken"] = alias
    try:
        request = parse(StartRequest, wanted)
    except InvalidRequestError as error:
        raise InvalidRequestError([FieldProblem("user_id", error.problems[0].message)]) from error
    return house.starter.start(
        request,
        principal.scope,
        limits=principal.limits,
        correlation_id=correlation_id,
    ).session
