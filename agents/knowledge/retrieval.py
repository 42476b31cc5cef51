"""Which passages answer a question, and how sure is that?

A passage fits as well as its meaning is near to that of the question. What all passages of a base
have in common (a bicycle shop speaks of bicycles) says nothing of which of them is meant, so part
of it is taken away first: without that, "do you sell motorcycles" is near to everything.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agents.knowledge.passages import Passage
from agents.knowledge.storage import BaseInfo, Storage, StoredVectors
from sessions.questions.embeddings import Vectors

_CANDIDATES = 48
_IN_COMMON = 0.9
"""How much of what a large base has in common is taken away."""
_LARGE_BASE = 20
"""Of a base of so many passages half of that; what few passages have in common is their subject."""
_WHOLE = 0.6
"""What the whole passage weighs; the rest is the nearest of its sentences and questions."""
_LEAD = 0.75
"""What counts for the best passage of its lead over the next: who is meant stands out."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage, and how well it fits: 1 at best, and about 0 where it is unrelated."""

    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class LoadedBase:
    """A base in memory; ``vectors`` is ``None`` where the database searches itself."""

    info: BaseInfo
    centre: Vectors
    vectors: StoredVectors | None


class Retriever:
    """Finds passages, for all threads of a process; a base is loaded anew when it has changed."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._loaded: dict[str, LoadedBase] = {}
        self._lock = threading.Lock()

    def load(self, info: BaseInfo) -> LoadedBase:
        """Return a base in memory; it is read again if its stamp is another."""
        with self._lock:
            loaded = self._loaded.get(info.name)
            if loaded is None or loaded.info.stamp != info.stamp:
                vectors = None if self._storage.indexed else self._storage.vectors(info.name)
                loaded = LoadedBase(info, self._storage.centre(info.name), vectors)
                self._loaded[info.name] = loaded
            return loaded

    def find(self, base: LoadedBase, query: Vectors, count: int) -> list[Hit]:
        """Return the ``count`` passages that fit best, the best first."""
        if base.info.vectors == 0:
            return []
        scores = _scores(base, query, self._candidates(base, query))
        best = _ranked(scores)[:count]
        passages = self._storage.passages([passage_id for passage_id, _ in best])
        return [Hit(passages[at], score) for at, score in best if at in passages]

    def _candidates(self, base: LoadedBase, query: Vectors) -> StoredVectors:
        """Return all vectors of the passages that have one of those nearest to the question."""
        if base.vectors is None:
            ids = self._storage.nearest(base.info, query, _CANDIDATES)
            return self._storage.vectors(base.info.name, ids)
        known = base.vectors
        order = np.argsort(-(known.matrix @ query), kind="stable")[:_CANDIDATES]
        rows = np.isin(known.passage_ids, known.passage_ids[order])
        return StoredVectors(known.passage_ids[rows], known.parts[rows], known.matrix[rows])


def _scores(base: LoadedBase, query: Vectors, vectors: StoredVectors) -> dict[int, float]:
    """Return how well each passage fits."""
    size = base.info.passages
    share = np.float32(_IN_COMMON * size / (size + _LARGE_BASE))
    common: Vectors = np.multiply(base.centre, share, dtype=np.float32)
    near = _unit(np.subtract(vectors.matrix, common)) @ _unit(np.subtract(query, common))
    whole: dict[int, float] = {}
    part: dict[int, float] = {}
    rows: Sequence[tuple[int, int, float]] = list(
        zip(vectors.passage_ids.tolist(), vectors.parts.tolist(), near.tolist(), strict=True)
    )
    for passage_id, number, nearness in rows:
        found = part if number else whole
        found[passage_id] = max(nearness, found.get(passage_id, -1.0))
    return {at: _WHOLE * near + (1 - _WHOLE) * part.get(at, near) for at, near in whole.items()}


def _ranked(scores: dict[int, float]) -> list[tuple[int, float]]:
    """Return the passages with their scores, the best first."""
    ranked = sorted(scores.items(), key=lambda one: (-one[1], one[0]))
    if len(ranked) > 1:
        (best, score), (_, second) = ranked[:2]
        ranked[0] = (best, min(1.0, score + _LEAD * (score - second)))
    return ranked


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(lengths, np.float32(1e-12))
