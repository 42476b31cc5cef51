"""Which knowledge bases are there, and how are they kept?

A base holds passages, and a passage several vectors: one of the whole of it and one of each part.
On PostgreSQL with pgvector each is there a second time, in a column that is indexed.
"""

from __future__ import annotations

import difflib
import time
from threading import Lock

from sqlalchemy import BigInteger, Engine, ForeignKey, Integer, LargeBinary, String, Text, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from sessions.database import Base
from sessions.errors import FieldProblem, InvalidRequestError

SAMPLE = "sample"
"""The base that ships; it is there even before it is first asked."""

_REMEMBERED_SECONDS = 2.0
_RowId = BigInteger().with_variant(Integer(), "sqlite")


class KnowledgeBaseRow(Base):
    """One base. ``stamp`` is another after every change; ``digest`` tells what a shipped one is."""

    __tablename__ = "knowledge_bases"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    model: Mapped[str] = mapped_column(String(255))
    dimensions: Mapped[int]
    stamp: Mapped[str] = mapped_column(String(32))
    digest: Mapped[str] = mapped_column(String(64))
    centre: Mapped[bytes] = mapped_column(LargeBinary)
    passages: Mapped[int]
    vectors: Mapped[int]
    updated_at: Mapped[int]


class PassageRow(Base):
    """A passage, as it stands in a file at ``path``."""

    __tablename__ = "knowledge_passages"

    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    base: Mapped[str] = mapped_column(
        ForeignKey("knowledge_bases.name", ondelete="CASCADE"), index=True
    )
    path: Mapped[str] = mapped_column(String(500))
    place: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)


class VectorRow(Base):
    """What a passage (``part`` 0) or a part of it means: float32 numbers, little-endian."""

    __tablename__ = "knowledge_vectors"

    id: Mapped[int] = mapped_column(_RowId, primary_key=True)
    passage_id: Mapped[int] = mapped_column(
        ForeignKey("knowledge_passages.id", ondelete="CASCADE"), index=True
    )
    base: Mapped[str] = mapped_column(String(64), index=True)
    part: Mapped[int]
    embedding: Mapped[bytes] = mapped_column(LargeBinary)


class KnowledgeBases:
    """The names of the bases, as the front needs them: remembered for a moment."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._names: list[str] = []
        self._until = 0.0
        self._lock = Lock()

    def names(self) -> list[str]:
        """Return the names in order, the sample's among them."""
        with self._lock:
            if time.monotonic() < self._until:
                return self._names
        with self._engine.connect() as connection:
            found = connection.scalars(select(KnowledgeBaseRow.name)).all()
        with self._lock:
            self._names = sorted({SAMPLE, *found})
            self._until = time.monotonic() + _REMEMBERED_SECONDS
            return self._names

    def check(self, name: str) -> None:
        """Make sure that there is a base called ``name``, as far as can be known now.

        Raises:
            InvalidRequestError: there is none; the error names the nearest.
        """
        try:
            known = self.names()
        except SQLAlchemyError:
            return  # a start is not lost because a database is away
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            message = f"there is no knowledge base {name!r}; there are {', '.join(known)}"
            raise InvalidRequestError(
                [FieldProblem("knowledge", message, close[0] if close else None)]
            )
