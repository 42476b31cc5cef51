"""What does the house answer to a question?

Where no LLM is configured, the best passage is the answer. Where one is, it words the answer from
the best passages, and may find that they hold none. Where nothing fits, the house says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import structlog

from agents.knowledge import prompting
from agents.knowledge.answers import TALK_TO_HUMAN, Answer, Grounds, Messages, Question
from agents.knowledge.finding import Finder
from agents.knowledge.marker import before_marker
from agents.knowledge.passages import PASSAGE_CHARACTERS, Passage
from agents.knowledge.retrieval import Hit
from agents.knowledge.sentences import packed
from agents.knowledge.wording import Wording
from sessions.errors import ProviderError, SwitchboardError
from sessions.providers import Slot, provider_of
from sessions.questions.embeddings import Embedder
from sessions.questions.intents import Intents
from sessions.questions.tasks import HUMAN_HANDOFF
from sessions.settings import Settings

__all__ = ["Answer", "Answerer", "Grounds", "Question"]

Words = Callable[[Messages], Iterator[str]]
"""Streams what an LLM answers to messages."""

_WORTH_A_LOOK = 0.5
"""An LLM reads what fits half as well as an answer must; it can say itself that there is none."""
_MARGIN_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Answerer:
    """Finds and words answers; one for all threads of a process, and for its forks.

    ``words`` is how a plugin thinks where there is no call; without it the best passage is the
    answer there. Nothing connects before the first question.

    Raises:
        ConfigurationError: see ``provider_of`` and ``Intents.load``.
    """

    def __init__(self, settings: Settings, words: Words | None = None) -> None:
        self._enough = settings.knowledge_min_score
        self._intents = Intents.load(settings)
        self._finder = Finder(settings, Embedder(settings))
        provider = provider_of(settings, Slot.LLM)
        self._thinks = provider is not None
        self._words = words
        if provider is not None and provider.url:
            most = max(_MARGIN_SECONDS, settings.answer_timeout_seconds - _MARGIN_SECONDS)
            self._words = Wording(provider, settings.provider_stall_seconds, most).tokens

    def preload(self, names: Iterable[str]) -> None:
        """Load knowledge bases now, so that processes forked later share them.

        What cannot be loaded is logged and loaded when it is asked.
        """
        for name in names:
            try:
                self._finder.load(name)
            except SwitchboardError as error:
                log.warning("knowledge_not_loaded", knowledge=name, error=str(error))

    def close(self) -> None:
        """Close all connections, as before a fork; the next question opens new ones."""
        self._finder.close()

    def prepare(self, question: Question) -> Answer | Grounds:
        """Return the answer, or what an LLM is to word it from.

        Raises:
            ProviderError: nobody makes embeddings.
            KnowledgeError: the knowledge base cannot be asked.
        """
        reply = self._intents.reply_to(question.task_type)
        if question.task_type == HUMAN_HANDOFF:
            answer = Answer.refusal()
            return Answer(reply or answer.response, (), True, (TALK_TO_HUMAN,))
        if reply is None:
            return self._from_knowledge(question)
        if self._thinks:
            return Grounds(prompting.small_talk(question), (), Answer(reply))
        return Answer(reply)

    def answer(self, question: Question) -> Answer:
        """Return the answer, worded by the LLM where one is configured.

        Raises:
            ProviderError, KnowledgeError: see ``prepare``.
        """
        prepared = self.prepare(question)
        if isinstance(prepared, Answer):
            return prepared
        try:
            return self.finish(prepared, "".join(self.tokens(prepared)))
        except ProviderError as error:
            log.warning("answer_not_worded", error=str(error))
            return prepared.fallback

    def tokens(self, grounds: Grounds) -> Iterator[str]:
        """Stream what the configured LLM makes of ``grounds``, marker and all.

        Raises:
            ProviderError: it failed, stalled, or cannot be reached over HTTP.
        """
        if self._words is None:
            raise ProviderError("The configured LLM is a plugin, which only workers can ask.")
        return self._words(grounds.messages)

    def finish(self, grounds: Grounds, text: str) -> Answer:
        """Return the answer whose words an LLM has given as ``text``, marker and all."""
        before = before_marker(text)
        if before is not None:
            return Answer.refusal(before)
        return Answer(text.strip(), grounds.sources) if text.strip() else grounds.fallback

    def _from_knowledge(self, question: Question) -> Answer | Grounds:
        hits = self._finder.find(question)
        best = _answer_of(hits[0].passage) if self._finder.fits(hits) else Answer.refusal()
        if not self._thinks:
            return best
        near = [hit for hit in hits if hit.score >= self._enough * _WORTH_A_LOOK]
        if not near:
            return Answer.refusal()
        passages = [hit.passage for hit in near]
        return Grounds(prompting.from_passages(question, passages), _sources(near), best)


def _answer_of(passage: Passage) -> Answer:
    """Return what is said of a passage: as many of its first sentences as one likes to hear."""
    response = next(packed([passage.text], PASSAGE_CHARACTERS), passage.text)
    return Answer(response, (passage.source,))


def _sources(hits: list[Hit]) -> list[str]:
    """Return where the LLM's answer may come from, the likeliest first."""
    return list(dict.fromkeys(hit.passage.source for hit in hits))
