"""Where are the sessions that have ended?

A summary is written before the state turns ``ended``, and once: whoever is not sure whether it was
written may write it again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Engine, Text, cast, delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session as Transaction
from sqlalchemy.orm import defer

from sessions.archive_queries import chosen, is_after, is_before, newest, pattern
from sessions.archived import ArchivedSession, ArchiveFilter
from sessions.database import ArchivedAliasRow, ArchivedSessionRow

_DAY_MS = 24 * 3600 * 1000
_PRUNE_BATCH = 500
_PRUNE_TIMES = 100
_PRUNE_PAUSE_SECONDS = 0.05


class Archive:
    """The ended sessions, in a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save(self, session: ArchivedSession, aliases: Sequence[str] = ()) -> bool:
        """Write a session and its names, unless it is there; tell whether it was written.

        Whoever saves first has read the session whole; whoever comes later may find it half
        removed, and must not write over what is there. A name used before now means this session.
        """
        try:
            with Transaction(self._engine) as transaction, transaction.begin():
                if transaction.get(ArchivedSessionRow, session.id) is not None:
                    return False
                transaction.add(ArchivedSessionRow(**asdict(session)))
                transaction.flush()
                for alias in aliases:
                    transaction.merge(
                        ArchivedAliasRow(scope=session.scope, alias=alias, session_id=session.id)
                    )
        except IntegrityError:
            if self.load(session.id) is None:
                raise
            return False
        return True

    def load(self, session_id: str) -> ArchivedSession | None:
        """Return an ended session, or ``None``."""
        with Transaction(self._engine) as transaction:
            row = transaction.get(ArchivedSessionRow, session_id)
            return _read(row) if row else None

    def by_alias(self, scope: str, alias: str) -> str | None:
        """Return the id of the last ended session that ``scope`` called ``alias``."""
        with Transaction(self._engine) as transaction:
            row = transaction.get(ArchivedAliasRow, (scope, alias))
            return row.session_id if row else None

    def aliases(self, session: ArchivedSession) -> list[str]:
        """Return the names its own scope gave the session and has not used again since."""
        row = ArchivedAliasRow
        query = select(row.alias).where(row.session_id == session.id).order_by(row.alias)
        with Transaction(self._engine) as transaction:
            return list(transaction.scalars(query))

    def find(self, wanted: ArchiveFilter, limit: int) -> list[ArchivedSession]:
        """Return ended sessions without their transcripts, those accepted last first."""
        row = ArchivedSessionRow
        query = (
            newest(chosen(wanted))
            .where(is_before(wanted.before))
            .options(defer(row.transcript, raiseload=True))
            .limit(limit)
        )
        with Transaction(self._engine) as transaction:
            return [_read(found, transcript=()) for found in transaction.scalars(query)]

    def search(
        self, wanted: ArchiveFilter, said: str, limit: int, look_at: int
    ) -> tuple[list[ArchivedSession], tuple[int, str] | None]:
        """Return ended sessions in which ``said`` was said, and where the search stopped.

        At most ``look_at`` are looked through, those accepted last first; ``None``: there are no
        more.
        """
        row = ArchivedSessionRow
        places = newest(chosen(wanted)).where(is_before(wanted.before)).limit(look_at)
        with Transaction(self._engine) as transaction:
            looked_at = transaction.execute(places.with_only_columns(row.accepted_at, row.id)).all()
            if not looked_at:
                return [], None
            last = looked_at[-1].accepted_at, looked_at[-1].id
            query = (
                newest(chosen(wanted))
                .where(is_before(wanted.before), or_(is_after(last), row.id == last[1]))
                .where(cast(row.transcript, Text).ilike(pattern(said), escape="/"))
                .limit(limit)
            )
            found = [_read(one) for one in transaction.scalars(query)]
        if len(found) == limit:
            last = found[-1].accepted_at, found[-1].id
        elif len(looked_at) < look_at:
            last = None
        return [one for one in found if _says(one, said)], last

    def ended_after(
        self, wanted: ArchiveFilter, position: tuple[int, str], until: int, limit: int
    ) -> list[ArchivedSession]:
        """Return whole sessions that ended before ``until``, those that ended first first.

        ``position`` is (ended ms, id) of the session after which to go on.
        """
        row = ArchivedSessionRow
        at, session_id = position
        query = (
            chosen(wanted)
            # Said twice, because the first half is what an index can find.
            .where(row.ended_at >= at, or_(row.ended_at > at, row.id > session_id))
            .where(row.ended_at < until)
            .order_by(row.ended_at, row.id)
            .limit(limit)
        )
        with Transaction(self._engine) as transaction:
            return [_read(found) for found in transaction.scalars(query)]

    def aliases_of(self, session_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the names of each of these sessions that has any."""
        row = ArchivedAliasRow
        query = select(row.session_id, row.alias).where(row.session_id.in_(session_ids))
        names: dict[str, list[str]] = {}
        with Transaction(self._engine) as transaction:
            for session_id, alias in transaction.execute(query.order_by(row.alias)):
                names.setdefault(session_id, []).append(alias)
        return names

    def prune(self, now: int, keep_days: int) -> int:
        """Remove sessions that ended more than ``keep_days`` ago, 0 none; return how many.

        A few at a time, so that whoever wants to write need not wait long; what is left after many
        has time until the next sweep.
        """
        if keep_days == 0:
            return 0
        removed = 0
        for _ in range(_PRUNE_TIMES):
            found = self._remove_before(now - keep_days * _DAY_MS)
            removed += found
            if found < _PRUNE_BATCH:
                break
            time.sleep(_PRUNE_PAUSE_SECONDS)
        return removed

    def _remove_before(self, moment: int) -> int:
        row = ArchivedSessionRow
        oldest = select(row.id).where(row.ended_at < moment).order_by(row.ended_at)
        with Transaction(self._engine) as transaction, transaction.begin():
            ids = transaction.scalars(oldest.limit(_PRUNE_BATCH)).all()
            # Their names go with them.
            transaction.execute(delete(row).where(row.id.in_(ids)))
            return len(ids)


def _says(session: ArchivedSession, said: str) -> bool:
    return any(said.casefold() in str(turn.get("text")).casefold() for turn in session.transcript)


def _read(row: ArchivedSessionRow, **given: Any) -> ArchivedSession:
    names = [known.name for known in fields(ArchivedSession) if known.name not in given]
    return ArchivedSession(**{name: getattr(row, name) for name in names}, **given)
