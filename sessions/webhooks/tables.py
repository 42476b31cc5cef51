"""How do endpoints and deliveries lie in the database?"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, Engine, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.dml import UpdateBase

from sessions.database import Base


class EndpointRow(Base):
    """An address that is told. Its secret is kept as it is: whoever signs needs it."""

    __tablename__ = "webhook_endpoints"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    scope: Mapped[str] = mapped_column(String(64), index=True)
    url: Mapped[str] = mapped_column(Text)
    events: Mapped[list[Any]]
    secret: Mapped[str] = mapped_column(String(80))
    old_secret: Mapped[str | None] = mapped_column(String(80))
    old_secret_until: Mapped[int]
    created_at: Mapped[int]
    failures: Mapped[int]
    off_at: Mapped[int | None]


class DeliveryRow(Base):
    """One message to one endpoint. While somebody sends it, their lease ends at ``next_at``."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (Index("ix_webhook_deliveries_due", "status", "next_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(
        ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), index=True
    )
    session_id: Mapped[str] = mapped_column(String(64), index=True)
    correlation_id: Mapped[str] = mapped_column(String(128))
    type: Mapped[str] = mapped_column(String(64))
    payload: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    created_at: Mapped[int] = mapped_column(index=True)
    next_at: Mapped[int]
    give_up_at: Mapped[int]
    last_at: Mapped[int | None]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None] = mapped_column(String(200))


def change(engine: Engine, statement: UpdateBase) -> int:
    """Run one statement in a transaction of its own; return how many rows it found."""
    with engine.begin() as connection:
        return cast("CursorResult[Any]", connection.execute(statement)).rowcount
