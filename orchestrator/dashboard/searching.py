"""How does an operator find a session, in the archive above all?"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from orchestrator.dashboard.answers import FoundAnswer, FoundSession
from orchestrator.dashboard.names import KeyNames
from orchestrator.http.queries import Moment, Query, SessionsQuery
from orchestrator.reading.listing import (
    archive_filter,
    find_sessions,
    read_cursor,
    write_cursor,
)
from orchestrator.reading.lookup import AnySession
from orchestrator.reading.presenting import summary
from orchestrator.services import Services
from sessions.errors import FieldProblem, InvalidRequestError
from sessions.models import Session
from sessions.requests import Name
from sessions.states import Channel, Fault, Reason, State

_LOOK_AT = 1000
"""Transcripts that are looked through for one page; what was said long ago takes a few pages."""


class ArchiveQuery(Query):
    """What to search for; all conditions must hold."""

    user: Name | None = Field(default=None, description="Sessions of this user.")
    state: State = Field(
        default=State.ENDED, description="Sessions in this state; `ended` is the archive."
    )
    channel: Channel | None = None
    reason: Reason | None = None
    fault: Fault | None = None
    since: Moment | None = Field(
        default=None, alias="from", description="Accepted from this moment on, Unix ms."
    )
    until: Moment | None = Field(
        default=None, alias="to", description="Accepted before this moment, Unix ms."
    )
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3)] | None = Field(
        default=None, max_length=200, description="Said by somebody; of ended sessions only."
    )
    before: str | None = Field(
        default=None, max_length=256, description="The `nextCursor` of the page before."
    )
    limit: int = Field(default=50, ge=1, le=200, description="How many at the most.")


def search(house: Services, names: KeyNames, query: ArchiveQuery) -> FoundAnswer:
    """Return a page of what was found, newest first.

    Raises:
        InvalidRequestError: two conditions contradict each other, or the cursor is none of ours.
    """
    _check(query)
    before = read_cursor(query.before, "before") if query.before is not None else None
    wanted = SessionsQuery.model_validate(
        {
            **query.model_dump(exclude={"user", "text", "before"}, by_alias=True),
            "userName": query.user,
            "cursor": query.before,
        }
    )
    if query.text is None:
        page, following = find_sessions(house, None, wanted)
    else:
        page, following = house.archive.search(
            archive_filter(None, wanted, before), query.text, query.limit, _LOOK_AT
        )
    names.refresh()
    return FoundAnswer(
        sessions=[_found(one, names) for one in page],
        next_cursor=write_cursor(following) if following else None,
    )


def _check(query: ArchiveQuery) -> None:
    if query.since is not None and query.until is not None and query.until <= query.since:
        raise InvalidRequestError([FieldProblem("to", "must be later than `from`")])
    if query.text is not None and query.state is not State.ENDED:
        message = "can be searched for in ended sessions only: leave `state` out"
        raise InvalidRequestError([FieldProblem("text", message)])


def _found(session: AnySession, names: KeyNames) -> FoundSession:
    config: Any = {} if isinstance(session, Session) else session.config
    return FoundSession(
        **summary(session).model_dump(),
        voice=config.get("voiceId"),
        scope=session.scope,
        key=names.name_of(session.scope),
    )
