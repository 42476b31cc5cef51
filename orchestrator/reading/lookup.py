"""Which session does a caller mean, and may it see it?

A reference is one of the caller's own aliases or a session id. What belongs to somebody else is
answered exactly like what is not there.
"""

from __future__ import annotations

from orchestrator.access.principal import Principal
from orchestrator.services import Services
from sessions import ids
from sessions.archived import ArchivedSession
from sessions.directory import check_reference
from sessions.errors import UnknownSessionError
from sessions.models import Session

AnySession = Session | ArchivedSession


def find(house: Services, principal: Principal, reference: str) -> AnySession:
    """Return the session, live or archived, that ``reference`` means to ``principal``.

    Raises:
        InvalidIdError: it is no alias of the caller's and not a well-formed id.
        UnknownSessionError: the caller sees no session of that id.
    """
    if principal.session_id is not None:
        return _find_own(house, principal.session_id, reference)
    found = _find_live(house, principal, reference) or _find_archived(house, principal, reference)
    if found is None:
        raise _unknown(check_reference(reference))
    return found


def load(house: Services, session_id: str) -> AnySession | None:
    """Return a session by its id, live or archived: it is archived before it stops being live."""
    return house.directory.load(session_id) or house.archive.load(session_id)


def _find_live(house: Services, principal: Principal, reference: str) -> Session | None:
    named = (
        house.directory.by_alias(principal.scope, reference) if ids.is_alias(reference) else None
    )
    session_id = named or (reference if ids.is_session_id(reference) else None)
    session = house.directory.load(session_id) if session_id else None
    return session if session and _visible(session, principal) else None


def _find_archived(house: Services, principal: Principal, reference: str) -> ArchivedSession | None:
    named = house.archive.by_alias(principal.scope, reference) if ids.is_alias(reference) else None
    session_id = named or (reference if ids.is_session_id(reference) else None)
    session = house.archive.load(session_id) if session_id else None
    return session if session and _visible(session, principal) else None


def _find_own(house: Services, own_id: str, reference: str) -> AnySession:
    session = load(house, own_id)
    if reference == own_id:
        if session is None:
            raise _unknown(reference)
        return session
    if session is not None and ids.is_alias(reference):
        named = house.directory.by_alias(session.scope, reference) or house.archive.by_alias(
            session.scope, reference
        )
        if named == own_id:
            return session
    raise _unknown(check_reference(reference))


def _visible(session: AnySession, principal: Principal) -> bool:
    return principal.admin or session.scope == principal.scope


def _unknown(reference: str) -> UnknownSessionError:
    return UnknownSessionError(f"There is no session {reference!r} that you can see.")
