"""What has ended lately, and how many for which reason? The archive's answer, without its stories.

An index holds all that is counted here, so no transcript is touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, func, select, true
from sqlalchemy.orm import Session as Transaction

from sessions.database import ArchivedSessionRow


@dataclass(frozen=True, slots=True)
class Ending:
    """One session that has ended; moments are Unix milliseconds."""

    id: str
    scope: str
    user_name: str
    channel: str
    reason: str
    fault: str
    detail: str | None
    recoveries: int
    accepted_at: int
    ended_at: int


class Endings:
    """The ends that the archive knows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def last(self, limit: int) -> list[Ending]:
        """Return the sessions that ended last, the last one first."""
        return self._read(true(), limit)

    def of(self, session_ids: Sequence[str]) -> list[Ending]:
        """Return those of these sessions that are in the archive, the last one first."""
        return self._read(ArchivedSessionRow.id.in_(session_ids), len(session_ids))

    def count(self, since: int, until: int) -> dict[tuple[str, str], int]:
        """Return how many ended from ``since`` to before ``until``, by reason and fault."""
        row = ArchivedSessionRow
        query = (
            select(row.reason, row.fault, func.count())
            .where(row.ended_at >= since, row.ended_at < until)
            .group_by(row.reason, row.fault)
        )
        with Transaction(self._engine) as transaction:
            return {(reason, fault): n for reason, fault, n in transaction.execute(query)}

    def _read(self, condition: ColumnElement[bool], limit: int) -> list[Ending]:
        row = ArchivedSessionRow
        query = (
            select(
                *(row.id, row.scope, row.user_name, row.channel, row.reason, row.fault),
                *(row.detail, row.recoveries, row.accepted_at, row.ended_at),
            )
            .where(condition)
            .order_by(row.ended_at.desc(), row.id.desc())
            .limit(limit)
        )
        with Transaction(self._engine) as transaction:
            return [Ending(*found) for found in transaction.execute(query)]
