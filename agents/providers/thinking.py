"""Who thinks for the agent, and what does it say when that fails in the middle of an answer?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from livekit.agents import APIConnectionError, APIConnectOptions, llm, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.plugins import openai

from agents.providers.clients import Clients
from agents.providers.plugins import make_plugin
from agents.providers.standby import Named, Standby, unless_silent
from agents.providers.trouble import Trouble
from sessions.errors import ProviderError
from sessions.metering import asking, count
from sessions.providers import Slot, provider_of
from sessions.settings import Settings
from sessions.usage import Amounts


def make_llm(settings: Settings, clients: Clients, trouble: Trouble) -> Thinker | None:
    """Return who thinks, or ``None`` where nobody is configured to.

    Raises:
        ConfigurationError: a plugin refuses what is configured.
    """
    provider = provider_of(settings, Slot.LLM)
    if provider is None:
        return None
    if provider.plugin:
        model: llm.LLM = make_plugin(provider)
    else:
        model = openai.LLM(client=clients.of(provider), model=provider.model)
    return Thinker(model, settings, trouble)


def context_of(messages: Sequence[Mapping[str, str]]) -> llm.ChatContext:
    """Return chat messages in OpenAI's shape as LiveKit has them."""
    context = llm.ChatContext.empty()
    for message in messages:
        context.add_message(role=message["role"], content=message["content"])  # pyright: ignore[reportArgumentType]
    return context


def amounts_of(chunk: llm.ChatChunk) -> Amounts:
    """Return what a piece of an answer adds to what the model was asked for."""
    used = chunk.usage
    return Amounts(
        input_tokens=used.prompt_tokens if used else 0,
        output_tokens=used.completion_tokens if used else 0,
        characters=len(chunk.delta.content) if chunk.delta and chunk.delta.content else 0,
    )


class Thinker(Named, llm.LLM):
    """Thinking by the configured provider.

    ``chat`` asks again until the patience is over; ``words`` says something else instead.
    """

    def __init__(self, first: llm.LLM, settings: Settings, trouble: Trouble) -> None:
        super().__init__()
        self.standby: Standby[llm.LLM | str] = Standby(Slot.LLM, first, settings, trouble)
        self.settings = settings
        self.trouble = trouble
        self._first = first

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        """Return the answer to a conversation as it is thought."""
        asked = {
            "parallel_tool_calls": parallel_tool_calls,
            "tool_choice": tool_choice,
            "extra_kwargs": extra_kwargs,
        }
        return _Thought(self, chat_ctx, tools or [], asked)

    async def aclose(self) -> None:
        """Close what the provider has opened."""
        await super().aclose()
        await self._first.aclose()

    async def words(self, chat_ctx: llm.ChatContext, instead: str) -> AsyncIterator[str]:
        """Yield the words of an answer.

        One that fails or stalls goes on with a short apology and ``instead``; so does, without the
        apology, each that is asked for while the provider rests.
        """
        async with _Thought(self, chat_ctx, [], {}, instead) as stream:
            async for chunk in stream:
                if chunk.delta and chunk.delta.content:
                    yield chunk.delta.content


class _Thought(llm.LLMStream):
    # Whoever thinks has a span of its own.
    _llm_attempt_span_name = None
    _genai_operation_name = None

    def __init__(
        self,
        thinker: Thinker,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        asked: dict[str, Any],
        instead: str | None = None,
    ) -> None:
        self._options = APIConnectOptions(
            max_retry=0, timeout=thinker.settings.provider_stall_seconds
        )
        super().__init__(thinker, chat_ctx=chat_ctx, tools=tools, conn_options=self._options)
        self._thinker = thinker
        self._asked = asked
        self._instead = instead
        self._began = False

    async def _run(self) -> None:
        try:
            await self._thinker.standby.use(self._answer, self._instead)
        except ProviderError as error:
            self._thinker.trouble.gave_up(Slot.LLM, error)
            raise APIConnectionError(str(error), retryable=False) from error

    async def _answer(self, model: llm.LLM | str) -> None:
        if self._thinker.trouble.owes_apology:
            self._thinker.trouble.owes_apology = False
            self._say(self._thinker.settings.apology_line)
        if isinstance(model, str):
            self._say(model)
        elif not self._began:  # asked again, it would say the beginning twice.
            await self._think(model)

    async def _think(self, model: llm.LLM) -> None:
        stream = model.chat(
            chat_ctx=self._chat_ctx, tools=self._tools, conn_options=self._options, **self._asked
        )
        counted = self._thinker.standby.counted(model)
        with asking(counted):
            async with stream:
                async for chunk in unless_silent(stream, self._options.timeout):
                    count(counted, amounts_of(chunk))
                    self._event_ch.send_nowait(chunk)
                    self._began = self._began or chunk.has_response()

    def _say(self, text: str) -> None:
        if not text:
            return
        delta = llm.ChoiceDelta(role="assistant", content=f" {text} ")
        self._event_ch.send_nowait(llm.ChatChunk(id=utils.shortuuid(), delta=delta))
