"""What is asked of the house's knowledge, and what comes back?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sessions.questions.tasks import GENERAL_INFO, Utterance

TALK_TO_HUMAN = "talk_to_human"
REPHRASE_QUESTION = "rephrase_question"
REFUSAL = "I am sorry, I do not know that. Would you like to talk to a person?"
"""What is said where nothing in the knowledge base fits."""
AWAY = "I cannot look that up now. Please try again in a little while, or ask for a person."
"""What is said where the knowledge base cannot be asked."""

Messages = Sequence[Mapping[str, str]]
"""Chat messages in OpenAI's shape: each has a ``role`` and a ``content``."""


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks, and in which conversation.

    ``knowledge`` is empty where the house's default is meant; ``prompt`` is the session's own.
    """

    message: str
    task_type: str = GENERAL_INFO
    knowledge: str = ""
    language: str = "en"
    history: Sequence[Utterance] = ()
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, and from where."""

    response: str
    sources: Sequence[str] = ()
    requires_human_handoff: bool = False
    suggested_actions: Sequence[str] = ()

    @classmethod
    def refusal(cls, before: str = "") -> Answer:
        """Return the honest answer that nothing fits, after what was already said."""
        response = f"{before.rstrip()} {REFUSAL}".lstrip()
        return cls(response, (), True, (TALK_TO_HUMAN, REPHRASE_QUESTION))


@dataclass(frozen=True, slots=True)
class Grounds:
    """What an LLM is to word an answer from. ``fallback`` is the answer if it does not."""

    messages: Messages
    sources: Sequence[str]
    fallback: Answer
