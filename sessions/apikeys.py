"""Who may start sessions, and how many?

A key is shown once, when it is made. The database holds its SHA-256, which is enough for a secret
of 32 random bytes.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session as Transaction

from sessions.database import ApiKeyRow
from sessions.limits import Limits

PREFIX = "sb_"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret; moments are Unix milliseconds."""

    id: str
    name: str
    admin: bool
    limits: Limits
    created_at: int
    revoked_at: int | None


class ApiKeys:
    """The API keys, in the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(
        self, name: str, *, admin: bool = False, limits: Limits | None = None
    ) -> tuple[ApiKey, str]:
        """Make a key; return it and its secret, which cannot be had again."""
        secret = PREFIX + secrets.token_urlsafe(32)
        limits = limits or Limits()
        row = ApiKeyRow(
            id=f"key_{secrets.token_hex(6)}",
            name=name,
            secret_hash=_hash(secret),
            admin=admin,
            live_limit=limits.live,
            live_per_user_limit=limits.live_per_user,
            starts_per_minute_limit=limits.starts_per_minute,
            priority_limit=limits.priority,
            created_at=_now(),
            revoked_at=None,
        )
        with Transaction(self._engine, expire_on_commit=False) as transaction, transaction.begin():
            transaction.add(row)
        return _read(row), secret

    def verify(self, secret: str) -> ApiKey | None:
        """Return the key with this secret unless it is unknown or revoked."""
        query = select(ApiKeyRow).where(
            ApiKeyRow.secret_hash == _hash(secret), ApiKeyRow.revoked_at.is_(None)
        )
        with Transaction(self._engine) as transaction:
            row = transaction.scalar(query)
            return _read(row) if row else None

    def list(self) -> list[ApiKey]:
        """Return all keys, revoked ones too, oldest first."""
        with Transaction(self._engine) as transaction:
            query = select(ApiKeyRow).order_by(ApiKeyRow.created_at, ApiKeyRow.id)
            return [_read(row) for row in transaction.scalars(query)]

    def revoke(self, key_id: str) -> bool:
        """Revoke a key for good; tell whether there was one to revoke."""
        with Transaction(self._engine) as transaction, transaction.begin():
            row = transaction.get(ApiKeyRow, key_id)
            if row is None or row.revoked_at is not None:
                return False
            row.revoked_at = _now()
            return True

    def any_active(self) -> bool:
        """Tell whether there is a key that is not revoked."""
        query = select(func.count()).select_from(ApiKeyRow).where(ApiKeyRow.revoked_at.is_(None))
        with Transaction(self._engine) as transaction:
            return bool(transaction.scalar(query))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> int:
    return time.time_ns() // 1_000_000


def _read(row: ApiKeyRow) -> ApiKey:
    limits = Limits(
        row.live_limit, row.live_per_user_limit, row.starts_per_minute_limit, row.priority_limit
    )
    return ApiKey(row.id, row.name, row.admin, limits, row.created_at, row.revoked_at)
