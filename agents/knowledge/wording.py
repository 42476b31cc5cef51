"""How does an answer get its words from an LLM over HTTP?"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from agents.knowledge.answers import Messages
from sessions.errors import ProviderError
from sessions.metering import asking, count
from sessions.providers import Provider
from sessions.usage import Amounts, Model

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.chat import ChatCompletionChunk

_CONNECT_SECONDS = 2.0


class Wording:
    """A client of the LLM, for all threads of a process. A silent LLM is one that has failed."""

    def __init__(self, provider: Provider, stall_seconds: float, most_seconds: float) -> None:
        self._provider = provider
        self._model = Model(provider.slot, provider.name, provider.model)
        self._stall = stall_seconds
        self._most = most_seconds
        self._client: OpenAI | None = None
        self._lock = threading.Lock()

    def tokens(self, messages: Messages) -> Iterator[str]:
        """Stream the LLM's words, marker and all.

        Raises:
            ProviderError: it is away, refuses, stalls, or does not come to an end.
        """
        until = time.monotonic() + self._most
        finished = False
        try:
            for chunk in self._chunks(messages):
                if time.monotonic() > until:
                    raise ProviderError(f"The LLM still spoke after {self._most:g} s.")
                for choice in chunk.choices[:1]:
                    finished = finished or choice.finish_reason is not None
                    if choice.delta.content:
                        count(self._model, Amounts(characters=len(choice.delta.content)))
                        yield choice.delta.content
        except ProviderError:
            raise
        # The SDK lets what happens in the middle of a stream through as it comes.
        except Exception as error:
            raise ProviderError(f"The LLM failed ({type(error).__name__}).") from error
        if not finished:
            raise ProviderError("The LLM's stream was cut.")

    def _chunks(self, messages: Messages) -> Iterator[ChatCompletionChunk]:
        with (
            asking(self._model),
            self._connection().chat.completions.create(
                model=self._provider.model,
                messages=_typed(messages),
                stream=True,
                stream_options={"include_usage": True},
            ) as chunks,
        ):
            for chunk in chunks:
                if chunk.usage:
                    asked, said = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
                    count(self._model, Amounts(input_tokens=asked, output_tokens=said))
                yield chunk

    def _connection(self) -> OpenAI:
        # Slow to import, and only needed where an LLM is configured.
        from openai import OpenAI, Timeout

        with self._lock:
            if self._client is None:
                self._client = OpenAI(
                    base_url=self._provider.url,
                    api_key=self._provider.key.get_secret_value(),
                    timeout=Timeout(self._stall, connect=_CONNECT_SECONDS),
                    max_retries=0,
                )
            return self._client


def _typed(messages: Messages) -> Any:
    """Return messages as the SDK takes them; its types name each role apart."""
    return [dict(message) for message in messages]
