"""What does the house answer to a question?"""

from __future__ import annotations

from collections.abc import Iterable

from agents.knowledge.answers import Answer, Grounds, Question
from agents.knowledge.marker import before_marker
from sessions.settings import Settings

__all__ = ["Answer", "Answerer", "Grounds", "Question"]


class Answerer:
    """Finds and words answers; one for all threads of a process, and for its forks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @classmethod
    def of(cls, settings: Settings) -> Answerer:
        """Return an answerer for these settings; nothing connects before the first question."""
        return cls(settings)

    def preload(self, names: Iterable[str]) -> None:
        """Load knowledge bases now, so that processes forked later share them."""

    def prepare(self, question: Question) -> Answer | Grounds:
        """Return the answer, or what an LLM is to word it from.

        Raises:
            ProviderError: nobody makes embeddings.
            KnowledgeError: the knowledge base cannot be asked.
        """
        return Answer.refusal()

    def answer(self, question: Question) -> Answer:
        """Return the answer, worded by the LLM where one is configured.

        Raises:
            ProviderError, KnowledgeError: see ``prepare``.
        """
        prepared = self.prepare(question)
        return prepared if isinstance(prepared, Answer) else prepared.fallback

    def finish(self, grounds: Grounds, text: str) -> Answer:
        """Return the answer whose words an LLM has given as ``text``, marker and all."""
        before = before_marker(text)
        if before is not None:
            return Answer.refusal(before)
        return Answer(text.strip(), grounds.sources) if text.strip() else grounds.fallback
