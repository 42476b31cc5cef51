"""Where is the archive kept, and is its schema the one this version needs?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Engine,
    ForeignKey,
    Index,
    String,
    Text,
    create_engine,
    event,
)
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import NullPool

_PSYCOPG = "postgresql+psycopg"
_PATIENCE = {"connect_timeout": 5, "keepalives_idle": 20, "tcp_user_timeout": 10_000}
"""A host that has vanished is noticed after so many seconds (and ms), unless the URL says other."""


class Base(DeclarativeBase):
    """The tables of Switchboard. Moments are Unix milliseconds."""

    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON, int: BigInteger}  # noqa: RUF012


class ArchivedSessionRow(Base):
    """One ended session, with everything that was said."""

    __tablename__ = "archived_sessions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    scope: Mapped[str] = mapped_column(String(64), index=True)
    user_name: Mapped[str] = mapped_column(String(128), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(32), index=True)
    fault: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str | None] = mapped_column(Text)
    generation: Mapped[int]
    recoveries: Mapped[int]
    worker: Mapped[str] = mapped_column(String(255))
    correlation_id: Mapped[str] = mapped_column(String(128))
    accepted_at: Mapped[int] = mapped_column(index=True)
    ended_at: Mapped[int]
    config: Mapped[dict[str, Any]]
    timeline: Mapped[dict[str, Any]]
    events: Mapped[int]
    generations: Mapped[list[Any]]
    usage: Mapped[dict[str, Any]]
    transcript: Mapped[list[Any]]

    # Enough to count ends without reading what was said.
    __table_args__ = (Index("ix_archived_sessions_ended", "ended_at", "reason", "fault"),)


class ArchivedAliasRow(Base):
    """A name that an ended session had."""

    __tablename__ = "archived_aliases"

    scope: Mapped[str] = mapped_column(String(64), primary_key=True)
    alias: Mapped[str] = mapped_column(String(128), primary_key=True)
    session_id: Mapped[str] = mapped_column(
        ForeignKey("archived_sessions.id", ondelete="CASCADE"), index=True
    )


class ApiKeyRow(Base):
    """An API key: its hash, never the key itself."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(128))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    admin: Mapped[bool]
    live_limit: Mapped[int]
    live_per_user_limit: Mapped[int]
    starts_per_minute_limit: Mapped[int]
    priority_limit: Mapped[int | None]
    created_at: Mapped[int]
    revoked_at: Mapped[int | None]


def open_database(url: str) -> Engine:
    """Return an engine for ``url``; for SQLite its folder is made and writers wait for each other.

    Its errors do not quote what was to be written: that is what callers have said. SQLite
    connections are not pooled: they are cheap, and a pooled one must not cross a fork.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        wanted = _PATIENCE if parsed.drivername == _PSYCOPG else {}
        patience = {name: value for name, value in wanted.items() if name not in parsed.query}
        return create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=patience)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": 10}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
