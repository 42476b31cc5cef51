"""Which addresses are told of the sessions of an API key, and with which secret is that signed?"""

from __future__ import annotations

import secrets as randomness
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session as Transaction
from sqlalchemy.sql.dml import UpdateBase

from sessions.webhooks.events import WebhookEvent
from sessions.webhooks.signing import new_secret
from sessions.webhooks.tables import EndpointRow, change

OLD_SECRET_MS = 24 * 3600 * 1000
"""For so long after a change of secrets, messages are signed with the old one too."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that is told. ``events`` is empty where it wants to be told of all.

    ``failures`` counts the attempts since the last that went well. Moments are Unix milliseconds.
    """

    id: str
    scope: str
    url: str
    events: tuple[str, ...]
    created_at: int
    failures: int
    off_at: int | None

    def wants(self, kind: str) -> bool:
        """Tell whether this endpoint is to be told of events of ``kind``."""
        return self.off_at is None and (not self.events or kind in self.events)


class Endpoints:
    """The endpoints, in the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(
        self, scope: str, url: str, events: Sequence[WebhookEvent] = ()
    ) -> tuple[Endpoint, str]:
        """Keep an endpoint; return it and its secret, which is shown this once."""
        row = EndpointRow(
            id=f"ep_{randomness.token_hex(8)}",
            scope=scope,
            url=url,
            events=sorted(set(map(str, events))),
            secret=new_secret(),
            old_secret=None,
            old_secret_until=0,
            created_at=_now(),
            failures=0,
            off_at=None,
        )
        with Transaction(self._engine, expire_on_commit=False) as transaction, transaction.begin():
            transaction.add(row)
        return _read(row), row.secret

    def list(self, scope: str | None = None) -> list[Endpoint]:
        """Return the endpoints of ``scope``, or all of them, oldest first."""
        query = select(EndpointRow).order_by(EndpointRow.created_at, EndpointRow.id)
        if scope is not None:
            query = query.where(EndpointRow.scope == scope)
        with Transaction(self._engine) as transaction:
            return [_read(row) for row in transaction.scalars(query)]

    def find(self, endpoint_id: str) -> Endpoint | None:
        """Return an endpoint, or ``None``."""
        with Transaction(self._engine) as transaction:
            row = transaction.get(EndpointRow, endpoint_id)
            return _read(row) if row else None

    def scopes(self) -> set[str]:
        """Return whose sessions somebody is to be told of."""
        query = select(EndpointRow.scope).where(EndpointRow.off_at.is_(None)).distinct()
        with Transaction(self._engine) as transaction:
            return set(transaction.scalars(query))

    def secrets(self, endpoint_id: str) -> list[str]:
        """Return what messages are signed with now, the newest secret first."""
        with Transaction(self._engine) as transaction:
            row = transaction.get(EndpointRow, endpoint_id)
            if row is None:
                return []
            old = [row.old_secret] if row.old_secret and _now() < row.old_secret_until else []
            return [row.secret, *old]

    def remove(self, endpoint_id: str) -> bool:
        """Forget an endpoint and all that was to be delivered there; tell whether it was there."""
        return self._change(delete(EndpointRow).where(EndpointRow.id == endpoint_id))

    def rotate(self, endpoint_id: str) -> str | None:
        """Give an endpoint another secret and return it; the old one signs too for a day."""
        secret = new_secret()
        there = self._change(
            update(EndpointRow)
            .where(EndpointRow.id == endpoint_id)
            .values(
                old_secret=EndpointRow.secret,
                old_secret_until=_now() + OLD_SECRET_MS,
                secret=secret,
            )
        )
        return secret if there else None

    def switch(self, endpoint_id: str, *, on: bool) -> bool:
        """Have an endpoint told again, or no more; tell whether that is a change."""
        row = EndpointRow
        values = {"off_at": None, "failures": 0} if on else {"off_at": _now()}
        is_other = row.off_at.is_not(None) if on else row.off_at.is_(None)
        return self._change(update(row).where(row.id == endpoint_id, is_other).values(**values))

    def note(self, endpoint_id: str, *, well: bool) -> None:
        """Take note of how an attempt went."""
        row = EndpointRow
        change = update(row).where(row.id == endpoint_id)
        if well:
            self._change(change.where(row.failures > 0).values(failures=0))
        else:
            self._change(change.values(failures=row.failures + 1))

    def _change(self, statement: UpdateBase) -> bool:
        return change(self._engine, statement) > 0


def _now() -> int:
    return time.time_ns() // 1_000_000


def _read(row: EndpointRow) -> Endpoint:
    return Endpoint(
        id=row.id,
        scope=row.scope,
        url=row.url,
        events=tuple(row.events),
        created_at=row.created_at,
        failures=row.failures,
        off_at=row.off_at,
    )
