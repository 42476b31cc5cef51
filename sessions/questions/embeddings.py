"""What does a text mean, as numbers that can be compared?

Asks whoever serves embeddings. Vectors of different models cannot be compared, so whoever keeps
vectors keeps ``Embedder.model`` beside them.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Sequence
from threading import Lock
from typing import Any, cast

import httpx
import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from sessions.errors import ConfigurationError, ProviderError
from sessions.metering import asking, count
from sessions.providers import Slot, provider_of
from sessions.settings import Settings
from sessions.usage import Amounts, Model

Vectors = NDArray[np.float32]

_BATCH = 32
_BUSY = (429, 503)
_REMEMBERED = 512
_CONNECT_SECONDS = 2.0
_PATIENCE_FOR_MANY_SECONDS = 60.0


class Embedder:
    """A client of the embeddings provider, for all threads of a process and its forks."""

    def __init__(self, settings: Settings) -> None:
        provider = provider_of(settings, Slot.EMBEDDINGS)
        if provider is None:
            raise ConfigurationError("Nobody makes embeddings: set SWITCHBOARD_EMBEDDINGS_URL.")
        self.model = provider.model
        self._counted = Model(provider.slot, provider.name, provider.model)
        self._url = provider.url.rstrip("/")
        self._key = provider.key
        self._stall = settings.provider_stall_seconds
        self._remembered: LRUCache[str, Vectors] = LRUCache(_REMEMBERED)
        self._lock = Lock()
        self._client: httpx.Client | None = None
        self._client_pid = 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return a row of unit length for each text.

        Raises:
            ProviderError: the provider is away, too slow, or does not answer as it should.
        """
        if len(texts) == 1:
            return self._embed_one(texts[0])
        batches = [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]
        rows = [self._ask(batch, _PATIENCE_FOR_MANY_SECONDS, attempts=6) for batch in batches]
        return np.vstack(rows) if rows else np.zeros((0, 0), np.float32)

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        with self._lock:
            if self._client is not None and self._client_pid == os.getpid():
                self._client.close()
            self._client = None

    def _embed_one(self, text: str) -> Vectors:
        with self._lock:
            known = self._remembered.get(text)
        if known is not None:
            return known
        found = self._ask([text], self._stall, attempts=2)
        with self._lock:
            self._remembered[text] = found
        return found

    def _ask(self, texts: Sequence[str], patience: float, attempts: int) -> Vectors:
        pause = 0.1
        for _ in range(attempts - 1):
            answer = self._post(texts, patience)
            if answer.status_code not in _BUSY:
                return self._read(answer, len(texts))
            time.sleep(pause)
            pause *= 2
        return self._read(self._post(texts, patience), len(texts))

    def _read(self, answer: httpx.Response, texts: int) -> Vectors:
        vectors, tokens = _read(answer, texts)
        count(self._counted, Amounts(input_tokens=tokens))
        return vectors

    def _post(self, texts: Sequence[str], patience: float) -> httpx.Response:
        body = {"model": self.model, "input": list(texts), "encoding_format": "float"}
        timeout = httpx.Timeout(patience, connect=_CONNECT_SECONDS)
        try:
            with asking(self._counted, characters=sum(map(len, texts))):
                return self._connection().post("/embeddings", json=body, timeout=timeout)
        except httpx.HTTPError as error:
            raise ProviderError(
                f"The embeddings server at {self._url} does not answer ({type(error).__name__})."
            ) from error

    def _connection(self) -> httpx.Client:
        with self._lock:
            # A connection that was open before a fork belongs to the parent.
            if self._client is None or self._client_pid != os.getpid():
                self._client = httpx.Client(
                    base_url=self._url,
                    headers={"Authorization": f"Bearer {self._key.get_secret_value()}"},
                    # Certificates take megabytes, and plain HTTP has none to check.
                    verify=self._url.startswith("https:"),
                )
                self._client_pid = os.getpid()
                # Who forgets to close us leaves no open socket behind.
                weakref.finalize(self, self._client.close).atexit = False
            return self._client


def _read(answer: httpx.Response, count: int) -> tuple[Vectors, int]:
    """Return the vectors of an answer in the order of the texts, and how many tokens they took."""
    if answer.status_code != 200:
        raise ProviderError(f"The embeddings server refuses: HTTP {answer.status_code}.")
    try:
        content = cast("dict[str, Any]", answer.json())
        data = cast("list[dict[str, Any]]", content["data"])
        data.sort(key=lambda one: int(one["index"]))
        vectors = np.array([one["embedding"] for one in data], dtype=np.float32)
        usage = cast("dict[str, Any]", content.get("usage") or {})
        tokens = int(usage.get("prompt_tokens") or 0)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ProviderError("The embeddings server does not answer in OpenAI's format.") from error
    if vectors.ndim != 2 or len(vectors) != count or not np.isfinite(vectors).all():
        raise ProviderError(f"The embeddings server did not send {count} vectors.")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, np.float32(1e-12)), tokens
