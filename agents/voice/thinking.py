"""What does the agent say to what the caller has said?

The session's language model is the house's own answerer: it finds what is known, and where an LLM
is configured lets it word that. A caller hears what somebody who writes would read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import structlog
from livekit.agents import APIConnectOptions, llm, utils
from livekit.agents.llm import ChatChunk, ChatContext, ChatMessage, ChoiceDelta, ToolChoice
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr

from agents.knowledge.answering import Answer, Answerer, Grounds, Question
from agents.knowledge.answers import AWAY
from agents.knowledge.marker import MarkerFilter, without_marker
from agents.providers import Thinker, context_of
from agents.voice.answers import noted
from sessions.errors import ProviderError, SwitchboardError
from sessions.models import SessionConfig
from sessions.questions.tasks import TRY_AGAIN_LATER, Utterance

log = structlog.get_logger(__name__)

Failed = Callable[[SwitchboardError], None]
"""Told when a question could not be looked up."""

TaskTypeOf = Callable[[str], str]
"""Tells what kind of question a message is."""


class Thinking(llm.LLM):
    """The answerer as a language model of LiveKit; ``model`` words what was found."""

    def __init__(
        self,
        answerer: Answerer,
        config: SessionConfig,
        task_type_of: TaskTypeOf,
        model: Thinker | None,
        failed: Failed,
        patience: float,
    ) -> None:
        super().__init__()
        self.answerer = answerer
        self.config = config
        self.task_type_of = task_type_of
        self.wording = model
        self.failed = failed
        self.patience = patience

    @property
    def model(self) -> str:
        """Return the name of the model that words answers."""
        return self.wording.model if self.wording else "knowledge"

    @property
    def provider(self) -> str:
        """Return who words answers."""
        return self.wording.provider if self.wording else "switchboard"

    def chat(
        self,
        *,
        chat_ctx: ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        """Answer the last thing that the caller has said; tools are never called."""
        return _Thought(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)

    def look_up(self, question: Question) -> Answer | Grounds:
        """Return the answer, or what it is to be worded from. Blocks: for a thread."""
        return self.answerer.prepare(question)

    def question(self, messages: Sequence[Utterance]) -> Question:
        """Return the last of the messages as a question that follows the others. Blocks."""
        *before, last = messages
        return Question(
            message=last.text,
            task_type=self.task_type_of(last.text),
            knowledge=self.config.knowledge,
            language=self.config.language,
            history=before,
            prompt=self.config.system_prompt,
        )


class _Thought(llm.LLMStream):
    """One answer on its way."""

    def __init__(
        self,
        thinking: Thinking,
        *,
        chat_ctx: ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
    ) -> None:
        self._thinking = thinking
        self._id = utils.shortuuid("answer_")
        super().__init__(thinking, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)

    async def _run(self) -> None:
        messages = _utterances(self._chat_ctx)
        if not messages or messages[-1].role != "user":
            return
        prepared = await self._prepare(messages)
        if isinstance(prepared, Grounds):
            answer = await self._word(prepared)
        else:
            answer = prepared
            self._say(answer.response)
        self._send(ChoiceDelta(role="assistant", extra=noted(answer)))

    async def _prepare(self, messages: Sequence[Utterance]) -> Answer | Grounds:
        thinking = self._thinking

        def look_up() -> Answer | Grounds:
            return thinking.look_up(thinking.question(messages))

        try:
            return await asyncio.wait_for(asyncio.to_thread(look_up), thinking.patience)
        except SwitchboardError as error:
            failure = error
        except TimeoutError:
            failure = ProviderError(f"Nothing was found within {thinking.patience:g} s.")
        log.warning("question_not_looked_up", error=str(failure))
        thinking.failed(failure)
        return Answer(AWAY, (), True, (TRY_AGAIN_LATER,))

    async def _word(self, grounds: Grounds) -> Answer:
        marker = MarkerFilter()
        said: list[str] = []
        async for text in without_marker(self._words(grounds), marker):
            said.append(text)
            self._say(text)
        text = "".join(said).strip()
        if not text or text.endswith(grounds.fallback.response):
            self._say("" if text else grounds.fallback.response)
            return grounds.fallback
        return Answer.refusal() if marker.refused else Answer(text, grounds.sources)

    async def _words(self, grounds: Grounds) -> AsyncIterator[str]:
        thinker = self._thinking.wording
        if thinker is None:
            return
        async for word in thinker.words(context_of(grounds.messages), grounds.fallback.response):
            yield word

    def _say(self, text: str) -> None:
        self._send(ChoiceDelta(role="assistant", content=text))

    def _send(self, delta: ChoiceDelta) -> None:
        self._event_ch.send_nowait(ChatChunk(id=self._id, delta=delta))


def _utterances(context: ChatContext) -> list[Utterance]:
    """Return what was said so far by the caller and the agent."""
    said = (item for item in context.items if isinstance(item, ChatMessage))
    return [
        Utterance(role=message.role, text=text)
        for message in said
        if message.role in ("user", "assistant") and (text := message.text_content)
    ]
