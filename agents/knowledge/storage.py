"""How do passages get out of the database, and by what are they found there?

Here is what reads; ``writing`` changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, Row, delete, select, text

from agents.knowledge.passages import Passage
from sessions.questions.bases import KnowledgeBaseRow, PassageRow, VectorRow
from sessions.questions.embeddings import Vectors

FLOAT = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class BaseInfo:
    """What is known of a base without its passages."""

    name: str
    model: str
    dimensions: int
    stamp: str
    digest: str
    passages: int
    vectors: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """Vectors in rows, and beside each row whose it is and which part of it (0: the whole)."""

    passage_ids: NDArray[np.int64]
    parts: NDArray[np.int64]
    matrix: Vectors


class Storage:
    """The knowledge bases in a database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._indexed: bool | None = None

    @property
    def indexed(self) -> bool:
        """Tell whether the database searches vectors itself."""
        if self._indexed is None:
            self._indexed = self.engine.dialect.name == "postgresql" and self._has_pgvector()
        return self._indexed

    def list(self) -> list[BaseInfo]:
        """Return all bases in the order of their names."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(*_INFO).order_by(KnowledgeBaseRow.name))
            return [_info(row) for row in rows]

    def find(self, name: str) -> BaseInfo | None:
        """Return what is known of a base, or ``None``."""
        with self.engine.connect() as connection:
            row = connection.execute(select(*_INFO).where(KnowledgeBaseRow.name == name)).first()
        return _info(row) if row else None

    def centre(self, name: str) -> Vectors:
        """Return the mean of a base's vectors."""
        with self.engine.connect() as connection:
            found = connection.scalar(
                select(KnowledgeBaseRow.centre).where(KnowledgeBaseRow.name == name)
            )
        return np.frombuffer(found or b"", FLOAT)

    def vectors(self, name: str, passage_ids: Sequence[int] | None = None) -> StoredVectors:
        """Return the vectors of a base, or of some of its passages."""
        query = select(VectorRow.passage_id, VectorRow.part, VectorRow.embedding)
        query = query.where(VectorRow.base == name).order_by(VectorRow.id)
        if passage_ids is not None:
            query = query.where(VectorRow.passage_id.in_(passage_ids))
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        matrix = np.frombuffer(b"".join(row.embedding for row in rows), FLOAT)
        return StoredVectors(
            np.array([row.passage_id for row in rows], np.int64),
            np.array([row.part for row in rows], np.int64),
            matrix.reshape(len(rows), -1) if rows else np.zeros((0, 0), FLOAT),
        )

    def nearest(self, base: BaseInfo, query: Vectors, count: int) -> list[int]:
        """Return the passages of the ``count`` vectors nearest to ``query``; needs ``indexed``."""
        width = base.dimensions
        find = text(
            "SELECT passage_id FROM knowledge_vectors "  # noqa: S608 - the width is a number.
            f"WHERE base = :base AND vector_dims(indexed) = {width} "
            f"ORDER BY indexed::vector({width}) <=> CAST(:query AS vector({width})) "
            "LIMIT :count"
        )
        values = {"base": base.name, "query": as_text(query), "count": count}
        with self.engine.connect() as connection:
            connection.execute(text(f"SET LOCAL hnsw.ef_search = {max(100, count * 2)}"))
            found = connection.scalars(find, values).all()
            if len(found) < min(count, base.vectors):
                # The index looks at all bases and this one is chosen from what it finds.
                connection.execute(text("SET LOCAL enable_indexscan = off"))
                found = connection.scalars(find, values).all()
        return list(dict.fromkeys(found))

    def passages(self, passage_ids: Sequence[int]) -> dict[int, Passage]:
        """Return passages by their ids; one that has gone meanwhile is left out."""
        query = select(PassageRow.id, PassageRow.path, PassageRow.place, PassageRow.text)
        with self.engine.connect() as connection:
            rows = connection.execute(query.where(PassageRow.id.in_(passage_ids)))
            return {row.id: Passage(row.path, row.place, row.text) for row in rows}

    def paths(self, name: str) -> list[str]:
        """Return the files that a base was made from."""
        query = select(PassageRow.path).where(PassageRow.base == name).distinct()
        with self.engine.connect() as connection:
            return sorted(connection.scalars(query))

    def remove(self, name: str) -> bool:
        """Remove a base with all its passages; tell whether there was one."""
        with self.engine.begin() as connection:
            return bool(
                connection.execute(
                    delete(KnowledgeBaseRow).where(KnowledgeBaseRow.name == name)
                ).rowcount
            )

    def _has_pgvector(self) -> bool:
        found = text(
            "SELECT 1 FROM information_schema.columns WHERE table_schema = current_schema() "
            "AND table_name = 'knowledge_vectors' AND column_name = 'indexed'"
        )
        with self.engine.connect() as connection:
            return connection.scalar(found) is not None


def as_text(vector: Vectors) -> str:
    """Return a vector as pgvector reads it."""
    return f"[{','.join(f'{number:.9g}' for number in vector.tolist())}]"


_INFO = (
    KnowledgeBaseRow.name,
    KnowledgeBaseRow.model,
    KnowledgeBaseRow.dimensions,
    KnowledgeBaseRow.stamp,
    KnowledgeBaseRow.digest,
    KnowledgeBaseRow.passages,
    KnowledgeBaseRow.vectors,
    KnowledgeBaseRow.updated_at,
)


def _info(row: Row[str, str, int, str, str, int, int, int]) -> BaseInfo:
    return BaseInfo(*row)
