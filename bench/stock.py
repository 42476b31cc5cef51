"""What is LiveKit's stock way to hold a conversation? The contender of `turns` and `barge_in`.

An ``AgentSession`` with its defaults: the turn detector that ships with it, the OpenAI plugin's
hearing (wrapped in a ``StreamAdapter``, since the endpoint does not stream) and speaking. Models,
voices and knowledge are those of the house.
"""

from __future__ import annotations

import asyncio
from typing import Any

from livekit.agents import AgentSession, llm, utils, vad
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions
from livekit.plugins import openai

from agents.knowledge.answering import Answerer, Question
from sessions.settings import get_settings


def stock_session(ears: vad.VAD, voice: str) -> AgentSession[None]:
    """Return a session that converses."""
    settings = get_settings()
    at: dict[str, Any] = {"base_url": settings.inference_url, "api_key": "none"}
    return AgentSession(
        vad=ears,
        stt=openai.STT(model="whisper-1", language="en", **at),
        llm=KnowledgeLLM(Answerer(settings), settings.default_knowledge),
        tts=openai.TTS(model="tts-1", voice=voice, response_format="pcm", **at),
        # For three seconds it would not let itself be interrupted.
        aec_warmup_duration=None,
    )


class KnowledgeLLM(llm.LLM):
    """Answers as the house does."""

    def __init__(self, answerer: Answerer, knowledge: str) -> None:
        super().__init__()
        self.answerer = answerer
        self.knowledge = knowledge

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        **_: Any,
    ) -> llm.LLMStream:
        """Answer the last message of the user."""
        return _Answer(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _Answer(llm.LLMStream):
    async def _run(self) -> None:
        owner = self._llm
        assert isinstance(owner, KnowledgeLLM)
        said = [m.text_content for m in self._chat_ctx.messages() if m.role == "user"]
        question = Question(message=said[-1] or "", knowledge=owner.knowledge)
        answer = await asyncio.to_thread(owner.answerer.answer, question)
        delta = llm.ChoiceDelta(role="assistant", content=answer.response)
        self._event_ch.send_nowait(llm.ChatChunk(id=utils.shortuuid(), delta=delta))
