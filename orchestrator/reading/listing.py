"""Which sessions are there, live and ended, one page at a time?

Live sessions are read before the archive: a session that ends meanwhile is in both, never in none.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field

from orchestrator.http.answers import SessionsAnswer
from orchestrator.http.queries import SessionsQuery
from orchestrator.reading import presenting
from orchestrator.reading.lookup import AnySession
from orchestrator.services import Services
from sessions import ids
from sessions.archived import ArchivedSession, ArchiveFilter
from sessions.errors import FieldProblem, InvalidRequestError
from sessions.models import Session
from sessions.states import State

_BATCH = 200
_SCAN_AT_MOST = 2000
"""Live sessions looked at for one page; a rare filter goes on with the next page."""

_MOMENT_DIGITS = 15
"""No moment in ms has more for 30,000 years, and no database takes as many as one likes."""

Position = tuple[int, str]


@dataclass(slots=True)
class _LiveScan:
    """What was found among the live sessions, and how far the search went."""

    found: list[Session] = field(default_factory=list[Session])
    seen: set[str] = field(default_factory=set[str])
    stopped_at: Position | None = None


def list_sessions(house: Services, scope: str | None, query: SessionsQuery) -> SessionsAnswer:
    """Return a page of the sessions of ``scope`` (``None``: of all), newest first.

    Raises:
        InvalidRequestError: the cursor is none of ours.
    """
    page, following = find_sessions(house, scope, query)
    return SessionsAnswer(
        sessions=[presenting.summary(session) for session in page],
        next_cursor=write_cursor(following) if following else None,
    )


def find_sessions(
    house: Services, scope: str | None, query: SessionsQuery
) -> tuple[list[AnySession], Position | None]:
    """Return a page of sessions, and the place from which the next one goes on, if there is more.

    Raises:
        InvalidRequestError: the cursor is none of ours.
    """
    before = read_cursor(query.cursor) if query.cursor is not None else None
    scan = _scan_live(house, scope, query, before) if _wants_live(query) else _LiveScan()
    ended = _find_ended(house, scope, query, before) if _wants_ended(query) else []
    merged: list[AnySession] = [*scan.found, *(s for s in ended if s.id not in scan.seen)]
    merged.sort(key=_position, reverse=True)
    if scan.stopped_at is not None:
        merged = [session for session in merged if _position(session) >= scan.stopped_at]
    page = merged[: query.limit]
    return page, _position(page[-1]) if len(merged) > len(page) else scan.stopped_at


def write_cursor(position: Position) -> str:
    """Return the text that stands for a place in the list."""
    return base64.urlsafe_b64encode(f"{position[0]}:{position[1]}".encode()).decode().rstrip("=")


def read_cursor(text: str, field_name: str = "cursor") -> Position:
    """Return the place in the list that a cursor stands for.

    Raises:
        InvalidRequestError: it is none of ours.
    """
    try:
        padded = text + "=" * (-len(text) % 4)
        plain = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        plain = ""
    moment, _, session_id = plain.partition(":")
    if not (moment.isdecimal() and len(moment) <= _MOMENT_DIGITS and ids.is_alias(session_id)):
        message = "must be the nextCursor of a page before"
        raise InvalidRequestError([FieldProblem(field_name, message)])
    return int(moment), session_id


def _wants_live(query: SessionsQuery) -> bool:
    return query.status != "ended" and query.state is not State.ENDED


def _wants_ended(query: SessionsQuery) -> bool:
    return query.status != "live" and query.state in (None, State.ENDED)


def _scan_live(
    house: Services, scope: str | None, query: SessionsQuery, before: Position | None
) -> _LiveScan:
    scan = _LiveScan()
    for session in _live_sessions(house, scope, before):
        scan.seen.add(session.id)
        if _matches(session, query):
            scan.found.append(session)
        if len(scan.found) > query.limit:
            break
        if len(scan.seen) >= _SCAN_AT_MOST:
            scan.stopped_at = _position(session)
            break
    return scan


def _live_sessions(
    house: Services, scope: str | None, before: Position | None
) -> Iterator[Session]:
    earliest = before[0] + 1 if before else None
    for skip in range(0, 10 * _SCAN_AT_MOST, _BATCH):
        batch = house.directory.newest(scope, earliest, _BATCH, skip)
        for session in filter(None, house.directory.load_many(batch)):
            if before is None or _position(session) < before:
                yield session
        if len(batch) < _BATCH:
            return


def _matches(session: Session, query: SessionsQuery) -> bool:
    wanted = (
        (query.state, session.state),
        (query.user_name, session.user_name),
        (query.channel, session.channel),
        (query.reason, session.reason),
        (query.fault, session.fault),
    )
    in_time = (query.since or 0) <= session.accepted and (
        query.until is None or session.accepted < query.until
    )
    return in_time and all(wish is None or wish == have for wish, have in wanted)


def _find_ended(
    house: Services, scope: str | None, query: SessionsQuery, before: Position | None
) -> list[ArchivedSession]:
    return house.archive.find(archive_filter(scope, query, before), query.limit + 1)


def archive_filter(
    scope: str | None, query: SessionsQuery, before: Position | None
) -> ArchiveFilter:
    """Return what ``query`` asks of the archive."""
    return ArchiveFilter(
        *(scope, query.user_name, query.channel, query.reason, before),
        *(query.fault, query.since, query.until),
    )


def _position(session: AnySession) -> Position:
    moment = session.accepted if isinstance(session, Session) else session.accepted_at
    return moment, session.id
