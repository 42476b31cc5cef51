"""Who words an answer where there is no call, and a LiveKit plugin is to think?

A plugin lives on an event loop. Whoever asks from a thread shares one loop, which runs in a thread
of its own from the first question on: so a process may fork before that.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import cache
from threading import Lock, Thread

import structlog
from livekit.agents import APIConnectOptions, llm, utils

from agents.providers.plugins import make_plugin
from agents.providers.standby import unless_silent
from agents.providers.thinking import amounts_of, context_of
from agents.providers.trouble import describe
from sessions.errors import ConfigurationError, ProviderError
from sessions.metering import asking, count
from sessions.providers import Slot, provider_of
from sessions.settings import Settings, get_settings
from sessions.usage import Model

log = structlog.get_logger(__name__)


class Wording:
    """A plugin that thinks, for all threads of a process. To be made on the main thread."""

    def __init__(self, settings: Settings) -> None:
        provider = provider_of(settings, Slot.LLM)
        if provider is None or not provider.plugin:
            raise ConfigurationError("SWITCHBOARD_LLM_PLUGIN is not set.")
        self._model: llm.LLM = make_plugin(provider)
        self._stall_seconds = settings.provider_stall_seconds
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None

    def words(self, messages: Sequence[Mapping[str, str]]) -> Iterator[str]:
        """Yield the words of an answer to chat messages in OpenAI's shape.

        Raises:
            ProviderError: the plugin failed or stalled; what it said before stays said.
        """
        words: queue.SimpleQueue[str | Exception | None] = queue.SimpleQueue()
        running = asyncio.run_coroutine_threadsafe(
            self._word(messages, words), self._running_loop()
        )
        try:
            while (word := words.get()) is not None:
                if isinstance(word, Exception):
                    raise ProviderError(describe(Slot.LLM, word)) from word
                yield word
        finally:
            running.cancel()

    def close(self) -> None:
        """Close what the plugin has opened, and end the loop."""
        with self._lock:
            if self._loop is None or self._thread is None:
                return
            asyncio.run_coroutine_threadsafe(self._model.aclose(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._loop = self._thread = None

    async def _word(
        self,
        messages: Sequence[Mapping[str, str]],
        words: queue.SimpleQueue[str | Exception | None],
    ) -> None:
        try:
            async with utils.http_context.open():
                async for word in self._chat(messages):
                    words.put(word)
            words.put(None)
        except Exception as error:  # noqa: BLE001 - handed to whoever asked
            log.warning("provider_failed", slot=Slot.LLM, what=describe(Slot.LLM, error))
            words.put(error)

    async def _chat(self, messages: Sequence[Mapping[str, str]]) -> AsyncIterator[str]:
        options = APIConnectOptions(max_retry=0, timeout=self._stall_seconds)
        counted = Model(Slot.LLM, self._model.provider, self._model.model)
        with asking(counted):
            async with self._model.chat(
                chat_ctx=context_of(messages), conn_options=options
            ) as stream:
                async for chunk in unless_silent(stream, self._stall_seconds):
                    count(counted, amounts_of(chunk))
                    if chunk.delta and chunk.delta.content:
                        yield chunk.delta.content

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = Thread(target=self._loop.run_forever, name="wording", daemon=True)
                self._thread.start()
            return self._loop


@cache
def wording() -> Wording:
    """Return the one of this process; the first time must be on the main thread.

    Raises:
        ConfigurationError: no plugin is to think, or it cannot be made.
    """
    return Wording(get_settings())
