"""What in the knowledge base answers a question?"""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from agents.knowledge.answers import Question
from agents.knowledge.followup import completed
from agents.knowledge.retrieval import Hit, LoadedBase, Retriever
from agents.knowledge.sample import add_sample, is_current
from agents.knowledge.storage import Storage
from agents.knowledge.writing import Writer, other_model
from sessions.database import open_database
from sessions.errors import KnowledgeError
from sessions.questions.bases import SAMPLE
from sessions.questions.embeddings import Embedder
from sessions.settings import Settings

_HITS = 6


class Finder:
    """Finds passages in the base that a question names; sees to it that the sample is there."""

    def __init__(self, settings: Settings, embedder: Embedder) -> None:
        self._embedder = embedder
        self._default = settings.default_knowledge
        self._enough = settings.knowledge_min_score
        self.storage = Storage(open_database(settings.database_url))
        self.writer = Writer(self.storage, embedder)
        self._retriever = Retriever(self.storage)

    def find(self, question: Question) -> list[Hit]:
        """Return the passages that fit best, the best first.

        Raises:
            ProviderError: nobody makes embeddings.
            KnowledgeError: the base cannot be asked.
        """
        name = question.knowledge or self._default
        try:
            base = self.load(name)
            hits = self._hits(base, question.message)
            whole = completed(question)
            with_before = [] if whole is None else self._hits(base, whole)
        except SQLAlchemyError as error:
            raise database_away(error) from error
        return max(hits, with_before, key=lambda found: found[0].score if found else -1.0)

    def load(self, name: str) -> LoadedBase:
        """Load a base and make sure that it can be asked with the model of now.

        Raises:
            ProviderError, KnowledgeError: see ``find``.
        """
        try:
            info = self.storage.find(name)
            if name == SAMPLE and not is_current(info, self._embedder.model):
                add_sample(self.writer)
                info = self.storage.find(name)
            if info is None:
                raise self._unknown(name)
            if info.model != self._embedder.model:
                raise other_model(name, info.model, self._embedder.model)
            return self._retriever.load(info)
        except SQLAlchemyError as error:
            raise database_away(error) from error

    def fits(self, hits: list[Hit]) -> bool:
        """Tell whether the best of ``hits`` is an answer."""
        return bool(hits) and hits[0].score >= self._enough

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        self.storage.engine.dispose()
        self._embedder.close()

    def _hits(self, base: LoadedBase, text: str) -> list[Hit]:
        return self._retriever.find(base, self._embedder.embed([text])[0], _HITS)

    def _unknown(self, name: str) -> KnowledgeError:
        known = ", ".join(base.name for base in self.storage.list()) or "none yet"
        return KnowledgeError(f"There is no knowledge base {name}; there are: {known}.")


def database_away(error: SQLAlchemyError) -> KnowledgeError:
    """Return what is said where the database does not answer."""
    return KnowledgeError(
        f"The database does not give its knowledge ({type(error).__name__}). Start it, or run "
        "`switchboard migrate`; SWITCHBOARD_DATABASE_URL says where it is."
    )
