"""How does a knowledge base change? In one transaction, after all vectors have been made.

Whoever changes a base holds its row until the end, so that two changes come one after the other.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection, delete, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from agents.knowledge.passages import Passage
from agents.knowledge.storage import FLOAT, Storage, as_text
from sessions.errors import KnowledgeError
from sessions.questions.bases import KnowledgeBaseRow, PassageRow, VectorRow
from sessions.questions.embeddings import Embedder, Vectors

_MOST_INDEXED_DIMENSIONS = 2_000
"""pgvector indexes no wider vectors; a base of such a model is searched without an index."""
_ROWS_AT_ONCE = 500


class Writer:
    """Puts passages into bases."""

    def __init__(self, storage: Storage, embedder: Embedder) -> None:
        self._storage = storage
        self._embedder = embedder

    def add(self, name: str, passages: Sequence[Passage]) -> None:
        """Add passages to a base; what it had from files of the same paths goes.

        Raises:
            ProviderError: see ``Embedder.embed``; nothing has changed.
            KnowledgeError: the base was made with another model; nothing has changed.
        """
        vectors = self._embed(passages)
        with self._storage.engine.begin() as connection:
            self._hold(connection, name)
            self._check_model(connection, name)
            for path in dict.fromkeys(passage.path for passage in passages):
                connection.execute(
                    delete(PassageRow).where(PassageRow.base == name, PassageRow.path == path)
                )
            self._insert(connection, name, passages, vectors)
            self._settle(connection, name, digest="")

    def replace(self, name: str, passages: Sequence[Passage], digest: str) -> None:
        """Make a base of these passages alone, unless it is already what ``digest`` says.

        Raises:
            ProviderError: see ``Embedder.embed``; nothing has changed.
        """
        vectors = self._embed(passages)
        with self._storage.engine.begin() as connection:
            self._hold(connection, name)
            row = KnowledgeBaseRow
            held = connection.execute(select(row.digest, row.model).where(row.name == name)).one()
            if (held.digest, held.model) == (digest, self._embedder.model):
                return  # somebody else was faster.
            connection.execute(delete(PassageRow).where(PassageRow.base == name))
            self._insert(connection, name, passages, vectors)
            self._settle(connection, name, digest)

    def _embed(self, passages: Sequence[Passage]) -> list[Vectors]:
        """Return the vectors of each passage."""
        meanings = [passage.meanings for passage in passages]
        rows = self._embedder.embed([text for texts in meanings for text in texts])
        ends = np.cumsum([len(texts) for texts in meanings])
        return np.split(rows, ends[:-1])

    def _hold(self, connection: Connection, name: str) -> None:
        """Make the base's row if there is none, and hold it until the transaction ends."""
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        new = dialect.insert(KnowledgeBaseRow).values(
            name=name, model=self._embedder.model, dimensions=0, stamp="", digest="", centre=b"",
            passages=0, vectors=0, updated_at=0,
        )  # fmt: skip
        connection.execute(
            new.on_conflict_do_update(index_elements=["name"], set_={"name": new.excluded.name})
        )

    def _check_model(self, connection: Connection, name: str) -> None:
        query = select(KnowledgeBaseRow.model).where(KnowledgeBaseRow.name == name)
        model = connection.scalar(query)
        if model != self._embedder.model:
            raise other_model(name, str(model), self._embedder.model)

    def _insert(
        self,
        connection: Connection,
        name: str,
        passages: Sequence[Passage],
        vectors: Sequence[Vectors],
    ) -> None:
        new = [{"base": name, "path": p.path, "place": p.place, "text": p.text} for p in passages]
        ids = connection.scalars(
            insert(PassageRow).returning(PassageRow.id, sort_by_parameter_order=True), new
        ).all()
        rows = [
            (passage_id, part, vector)
            for passage_id, own in zip(ids, vectors, strict=True)
            for part, vector in enumerate(own)
        ]
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            self._insert_vectors(connection, name, rows[start : start + _ROWS_AT_ONCE])

    def _insert_vectors(
        self, connection: Connection, name: str, rows: Sequence[tuple[int, int, Vectors]]
    ) -> None:
        values = [
            {
                "passage_id": passage_id,
                "base": name,
                "part": part,
                "embedding": vector.astype(FLOAT).tobytes(),
            }
            for passage_id, part, vector in rows
        ]
        if not self._storage.indexed:
            connection.execute(insert(VectorRow), values)
            return
        for value, (_, _, vector) in zip(values, rows, strict=True):
            value["indexed"] = as_text(vector)
        connection.execute(
            text(
                "INSERT INTO knowledge_vectors (passage_id, base, part, embedding, indexed) "
                "VALUES (:passage_id, :base, :part, :embedding, CAST(:indexed AS vector))"
            ),
            values,
        )

    def _settle(self, connection: Connection, name: str, digest: str) -> None:
        """Write down what the base is now."""
        vectors = select(VectorRow.embedding).where(VectorRow.base == name)
        total, count = np.zeros(0), 0
        for embedding in connection.scalars(vectors):
            row = np.frombuffer(embedding, FLOAT).astype(np.float64)
            total, count = (total + row if count else row), count + 1
        mean = (total / max(1, count)).astype(FLOAT)
        if self._storage.indexed:
            _index(connection, len(mean))
        passages = select(func.count()).select_from(PassageRow).where(PassageRow.base == name)
        connection.execute(
            update(KnowledgeBaseRow)
            .where(KnowledgeBaseRow.name == name)
            .values(
                model=self._embedder.model,
                dimensions=len(mean),
                stamp=secrets.token_hex(8),
                digest=digest,
                centre=mean.tobytes(),
                passages=connection.scalar(passages),
                vectors=count,
                updated_at=time.time_ns() // 1_000_000,
            )
        )


def other_model(name: str, stored: str, asked: str) -> KnowledgeError:
    """Return what is said where vectors of two models would have to be compared."""
    return KnowledgeError(
        f"The knowledge base {name} was made with the embeddings model {stored}, and "
        f"{asked} is configured now. Remove it and add its files again: "
        f"`switchboard knowledge remove {name}`, then `switchboard knowledge add {name} PATH...`."
    )


def _index(connection: Connection, dimensions: int) -> None:
    """Make the index for vectors of this width, if there is none and there can be one."""
    if 0 < dimensions <= _MOST_INDEXED_DIMENSIONS:
        connection.execute(
            text(
                f"CREATE INDEX IF NOT EXISTS ix_knowledge_vectors_{dimensions} ON "
                f"knowledge_vectors USING hnsw ((indexed::vector({dimensions})) "
                f"vector_cosine_ops) WHERE vector_dims(indexed) = {dimensions}"
            )
        )
