"""What does the agent say, and what is told of it?"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from livekit.agents import llm
from livekit.agents.llm import ChatContext, ChatMessage

from agents.knowledge.answering import Answer, Answerer, Grounds, Question
from agents.knowledge.answers import AWAY, REFUSAL
from agents.knowledge.marker import MARKER
from agents.providers import Thinker
from agents.voice.answers import response_event
from agents.voice.thinking import Thinking
from sessions.errors import ProviderError
from sessions.models import SessionConfig

CONFIG = SessionConfig("Ashley", "Ann", "Hello.", "Be brief.", language="de", knowledge="shop")
FOUND = Answer("We open at nine.", ("hours.md",))


class Knows:
    """An answerer that always answers the same, or fails."""

    def __init__(self, prepared: Answer | Grounds | Exception) -> None:
        self.prepared = prepared
        self.questions: list[Question] = []

    def prepare(self, question: Question) -> Answer | Grounds:
        self.questions.append(question)
        if isinstance(self.prepared, Exception):
            raise self.prepared
        return self.prepared


class Says:
    """A thinker that says these words, or what it was told to say instead."""

    def __init__(self, *words: str, fails: bool = False) -> None:
        self._words = words
        self._fails = fails
        self.model = self.provider = "says"

    async def words(self, chat_ctx: ChatContext, instead: str) -> AsyncIterator[str]:
        for word in self._words:
            yield word
        if self._fails:
            yield f" {instead} "


def thinking(
    knows: Knows,
    says: Says | None = None,
    failed: list[Exception] | None = None,
    patience: float = 4.0,
) -> Thinking:
    errors = [] if failed is None else failed
    return Thinking(
        cast("Answerer", knows),
        CONFIG,
        lambda message: "small_talk" if "hello" in message else "general_info",
        cast("Thinker | None", says),
        errors.append,
        patience,
    )


def asked(*said: tuple[str, str]) -> ChatContext:
    context = ChatContext.empty()
    context.add_message(role="system", content="Be brief.")
    for role, text in said or (("user", "When do you open?"),):
        context.add_message(role=cast("Any", role), content=text)
    return context


def ask(model: Thinking, *said: tuple[str, str]) -> tuple[str, dict[str, Any]]:
    """Return what is said to a conversation, and what is noted on it."""

    async def run() -> llm.CollectedResponse:
        return await model.chat(chat_ctx=asked(*said)).collect()

    answer = asyncio.run(run())
    return answer.text, answer.extra


def told(text: str, extra: dict[str, Any]) -> dict[str, Any] | None:
    return response_event(ChatMessage(role="assistant", content=[text], extra=extra))


def test_question_when_the_house_knows_then_its_answer_is_said_and_noted() -> None:
    text, extra = ask(thinking(Knows(FOUND)))
    assert text == FOUND.response
    assert told(text, extra) == {
        "response": FOUND.response,
        "sources": ["hours.md"],
        "requires_human_handoff": False,
        "suggested_actions": [],
    }


def test_question_when_asked_then_carries_the_call_it_belongs_to() -> None:
    knows = Knows(FOUND)
    ask(thinking(knows), ("user", "hi"), ("assistant", "hello"), ("user", "hello you"))
    [question] = knows.questions
    assert (question.message, question.task_type) == ("hello you", "small_talk")
    assert (question.knowledge, question.language, question.prompt) == ("shop", "de", "Be brief.")
    assert [turn.text for turn in question.history] == ["hi", "hello"]


def test_question_when_the_search_hangs_then_the_caller_does_not_wait_for_it() -> None:
    over = threading.Event()

    class Hangs(Knows):
        def prepare(self, question: Question) -> Answer | Grounds:
            over.wait(10)
            return super().prepare(question)

    failed: list[Exception] = []

    async def run() -> str:
        answer = (
            await thinking(Hangs(FOUND), failed=failed, patience=0.2)
            .chat(chat_ctx=asked())
            .collect()
        )
        over.set()
        return answer.text

    assert asyncio.run(run()) == AWAY
    assert len(failed) == 1


def test_question_when_nobody_makes_embeddings_then_the_caller_is_told_and_it_is_an_error() -> None:
    failed: list[Exception] = []
    text, extra = ask(thinking(Knows(ProviderError("They are away.")), failed=failed))
    event = told(text, extra)
    assert event is not None
    assert event["requires_human_handoff"] is True
    assert event["suggested_actions"] == ["try_again_later"]
    assert "cannot look that up" in text
    assert [str(error) for error in failed] == ["They are away."]


GROUNDS = Grounds([{"role": "user", "content": "When?"}], ["a.md", "b.md"], FOUND)


def test_grounds_when_they_are_worded_then_the_words_are_said_with_their_sources() -> None:
    text, extra = ask(thinking(Knows(GROUNDS), Says("At ", "nine ", "o'clock.")))
    event = told(text, extra)
    assert text == "At nine o'clock."
    assert event is not None
    assert event["sources"] == ["a.md", "b.md"]
    assert event["requires_human_handoff"] is False


def test_grounds_when_they_hold_no_answer_then_the_marker_is_not_said() -> None:
    text, extra = ask(thinking(Knows(GROUNDS), Says(MARKER[:4], MARKER[4:], " really")))
    event = told(text, extra)
    assert text == REFUSAL
    assert event is not None
    assert event["sources"] == []
    assert event["requires_human_handoff"] is True


@pytest.mark.parametrize("says", [Says("At nin", fails=True), Says(fails=True), None])
def test_grounds_when_nobody_words_them_then_the_passage_is_the_answer(says: Says | None) -> None:
    text, extra = ask(thinking(Knows(GROUNDS), says))
    event = told(text, extra)
    assert text.strip().endswith(FOUND.response)
    assert event is not None
    assert event["sources"] == ["hours.md"]


def test_conversation_when_nobody_has_asked_then_nothing_is_said() -> None:
    assert ask(thinking(Knows(FOUND)), ("assistant", "Hello."))[0] == ""


def test_message_when_it_is_no_answer_then_there_is_no_response_event() -> None:
    assert told("Hello.", {}) is None
