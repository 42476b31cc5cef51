"""Which rows of the archive are wanted, and in which order?"""

from __future__ import annotations

import json
import re

from sqlalchemy import ColumnElement, Select, or_, select, true

from sessions.archived import ArchiveFilter
from sessions.database import ArchivedSessionRow


def chosen(wanted: ArchiveFilter) -> Select[ArchivedSessionRow]:
    """Ask for the ended sessions that are wanted."""
    row = ArchivedSessionRow
    query = select(row)
    for column, value in (
        (row.scope, wanted.scope),
        (row.user_name, wanted.user_name),
        (row.channel, wanted.channel),
        (row.reason, wanted.reason),
        (row.fault, wanted.fault),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(row.accepted_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(row.accepted_at < wanted.until)
    return query


def newest(query: Select[ArchivedSessionRow]) -> Select[ArchivedSessionRow]:
    """Ask for those accepted last first."""
    return query.order_by(ArchivedSessionRow.accepted_at.desc(), ArchivedSessionRow.id.desc())


def is_before(position: tuple[int, str] | None) -> ColumnElement[bool]:
    """Ask for what comes after a place in that order; all of it where there is none."""
    row = ArchivedSessionRow
    if position is None:
        return true()
    at, session_id = position
    return or_(row.accepted_at < at, (row.accepted_at == at) & (row.id < session_id))


def is_after(position: tuple[int, str]) -> ColumnElement[bool]:
    """Ask for what comes before a place in that order."""
    row, (at, session_id) = ArchivedSessionRow, position
    return or_(row.accepted_at > at, (row.accepted_at == at) & (row.id > session_id))


def pattern(said: str) -> str:
    """Return what the JSON of a transcript is like in which ``said`` may have been said.

    Letters that JSON writes as numbers may be great or small. What else is like it, such as a
    key, is sorted out by whoever reads the transcript.
    """
    written = re.sub("[/%_]", r"/\g<0>", json.dumps(said)[1:-1])
    return "%" + re.sub(r"\\u[0-9a-f]{4}", lambda _: "\\u____", written) + "%"
