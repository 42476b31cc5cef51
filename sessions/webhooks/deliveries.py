"""What is still to be delivered, who sends it now, and what became of the rest?

Any number of workers may ask for what is due. Each takes rows by moving their ``next_at`` from what
it has seen to the end of a lease, in one statement: only one of them can. Who does not come back
within the lease has failed, and the row is due again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Engine, Update, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session as Transaction

from sessions.settings import Settings
from sessions.webhooks.delivery import Delivery, NewDelivery, Status, Which
from sessions.webhooks.tables import DeliveryRow, change

_LEASE_ATTEMPTS = 6
"""A lease is that much longer than an attempt: to look up the endpoint's name takes time too."""

_DAY_MS = 24 * 3600 * 1000
_PRUNE_BATCH = 500
_PRUNE_TIMES = 100


class Deliveries:
    """The deliveries, in the database. ``clock`` gives Unix milliseconds."""

    def __init__(
        self, engine: Engine, settings: Settings, clock: Callable[[], int] | None = None
    ) -> None:
        self._engine = engine
        self._retry_ms = round(settings.webhook_retry_hours * 3600 * 1000)
        self._lease_ms = round(settings.webhook_timeout_seconds * _LEASE_ATTEMPTS * 1000)
        self.now = clock or _now

    def write(self, wanted: Sequence[NewDelivery]) -> None:
        """Write what is to be delivered, all or nothing; what is there already stays as it is."""
        if not wanted:
            return
        now = self.now()
        rows = [
            {
                **asdict(one),
                "status": Status.PENDING,
                "attempts": 0,
                "created_at": now,
                "next_at": now,
                "give_up_at": now + self._retry_ms,
            }
            for one in wanted
        ]
        is_sqlite = self._engine.dialect.name == "sqlite"
        insert = sqlite.insert(DeliveryRow) if is_sqlite else postgresql.insert(DeliveryRow)
        with self._engine.begin() as connection:
            connection.execute(insert.on_conflict_do_nothing(), rows)

    def due(self) -> list[str]:
        """Return the endpoints for which something is due, the longest overdue first."""
        row = DeliveryRow
        query = (
            select(row.endpoint_id)
            .where(row.status == Status.PENDING, row.next_at <= self.now())
            .group_by(row.endpoint_id)
            .order_by(func.min(row.next_at))
        )
        with Transaction(self._engine) as transaction:
            return list(transaction.scalars(query))

    def claim(self, endpoint_id: str, limit: int) -> list[Delivery]:
        """Take at most ``limit`` of what is due for an endpoint; nobody else gets it meanwhile."""
        row, now = DeliveryRow, self.now()
        query = (
            select(row)
            .where(row.endpoint_id == endpoint_id, row.status == Status.PENDING, row.next_at <= now)
            .order_by(row.next_at, row.created_at)
            .limit(limit)
        )
        with Transaction(self._engine) as transaction:
            found = [Delivery.of(one) for one in transaction.scalars(query)]
        taken: list[Delivery] = []
        for delivery in found:
            leased = replace(delivery, next_at=now + self._lease_ms, attempts=delivery.attempts + 1)
            values = {"next_at": leased.next_at, "attempts": leased.attempts, "last_at": now}
            if change(self._engine, _as_seen(delivery).values(**values)):
                taken.append(leased)
        return taken

    def settle(
        self,
        delivery: Delivery,
        status: Status,
        *,
        next_at: int | None = None,
        answered: int | None = None,
        error: str | None = None,
    ) -> bool:
        """Say what became of an attempt; ``False`` if the lease was over and another has it."""
        values: dict[str, Any] = {
            "status": status,
            "last_status": answered,
            "last_error": error and error[:200],
        }
        if next_at is not None:
            values["next_at"] = next_at
        return change(self._engine, _as_seen(delivery).values(**values)) > 0

    def give_up(self, endpoint_id: str, why: str) -> int:
        """Fail all that is pending for an endpoint; return how many that were."""
        row = DeliveryRow
        return change(
            self._engine,
            update(row)
            .where(row.endpoint_id == endpoint_id, row.status == Status.PENDING)
            .values(status=Status.FAILED, last_error=why),
        )

    def list(self, wanted: Which, limit: int) -> list[Delivery]:
        """Return deliveries, the newest first."""
        query = (
            select(DeliveryRow)
            .where(*_conditions(wanted))
            .order_by(DeliveryRow.created_at.desc(), DeliveryRow.id)
            .limit(limit)
        )
        with Transaction(self._engine) as transaction:
            return [Delivery.of(row) for row in transaction.scalars(query)]

    def replay(self, wanted: Which) -> int:
        """Send deliveries that are over once more, under their old ids; return how many."""
        now = self.now()
        return change(
            self._engine,
            update(DeliveryRow)
            .where(*_conditions(wanted), DeliveryRow.status != Status.PENDING)
            .values(
                status=Status.PENDING,
                attempts=0,
                next_at=now,
                give_up_at=now + self._retry_ms,
            ),
        )

    def prune(self, keep_days: int) -> int:
        """Remove deliveries made more than ``keep_days`` ago; return how many.

        A few at a time, so that senders need not wait long; what is left has time.
        """
        row, oldest = DeliveryRow, self.now() - keep_days * _DAY_MS
        some = select(row.id).where(row.created_at < oldest).limit(_PRUNE_BATCH)
        removed = 0
        for _ in range(_PRUNE_TIMES):
            found = change(self._engine, delete(row).where(row.id.in_(some)))
            removed += found
            if found < _PRUNE_BATCH:
                break
        return removed


def _as_seen(delivery: Delivery) -> Update:
    """Return an update of a delivery that changes nothing if somebody else has touched it."""
    row = DeliveryRow
    return update(row).where(
        row.id == delivery.id, row.status == Status.PENDING, row.next_at == delivery.next_at
    )


def _conditions(wanted: Which) -> list[Any]:
    row = DeliveryRow
    pairs = (
        (row.id, wanted.id),
        (row.endpoint_id, wanted.endpoint_id),
        (row.session_id, wanted.session_id),
        (row.status, wanted.status),
    )
    return [column == value for column, value in pairs if value is not None]


def _now() -> int:
    return time.time_ns() // 1_000_000
