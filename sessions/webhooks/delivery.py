"""What is one delivery: a message, an endpoint, and how it stands?"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from sessions.webhooks.tables import DeliveryRow


class Status(StrEnum):
    """How a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one endpoint; moments are Unix milliseconds."""

    id: str
    endpoint_id: str
    session_id: str
    correlation_id: str
    type: str
    payload: str
    status: Status
    attempts: int
    created_at: int
    next_at: int
    give_up_at: int
    last_at: int | None
    last_status: int | None
    last_error: str | None

    @classmethod
    def of(cls, row: DeliveryRow) -> Delivery:
        """Read a row."""
        values: dict[str, Any] = {one.name: getattr(row, one.name) for one in fields(cls)}
        values["status"] = Status(row.status)
        return cls(**values)


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A message that is to be delivered."""

    id: str
    endpoint_id: str
    session_id: str
    correlation_id: str
    type: str
    payload: str


@dataclass(frozen=True, slots=True)
class Which:
    """Which deliveries are meant; ``None`` sets no condition."""

    id: str | None = None
    endpoint_id: str | None = None
    session_id: str | None = None
    status: Status | None = None


def delivery_id(entry: str, session_id: str, kind: str, endpoint_id: str) -> str:
    """Return the ``webhook-id`` of an entry of the outbox for one endpoint: always the same."""
    whole = "\n".join((entry, session_id, kind, endpoint_id))
    return f"msg_{hashlib.sha256(whole.encode()).hexdigest()[:32]}"


def new_test_id() -> str:
    """Return the ``webhook-id`` of a message that nothing in the outbox asks for."""
    return f"msg_{secrets.token_hex(16)}"
