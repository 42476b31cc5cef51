"""What is a message about, if whoever makes embeddings is slow or away? Nobody waits to know."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import structlog

from sessions.questions.intents import Intents
from sessions.questions.tasks import GENERAL_INFO
from sessions.settings import Settings

if TYPE_CHECKING:
    from sessions.questions.embeddings import Embedder

PATIENCE_SECONDS = 1.0
"""A message that cannot be sorted for so long is taken for a question of general kind."""
REST_SECONDS = 3.0
"""After that nothing is sorted for a while, so that messages do not all wait in vain."""

_AT_ONCE = 8

log = structlog.get_logger(__name__)


class Sorter:
    """Sorts messages by task type, for one process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._intents = Intents.load(settings)
        self._embedder: Embedder | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._rests_until = 0.0
        self._lock = threading.Lock()

    def task_type_of(self, message: str) -> str:
        """Return what ``message`` is about, in good time."""
        if time.monotonic() < self._rests_until:
            return GENERAL_INFO
        embedder, threads = self._ready()
        try:
            return threads.submit(self._intents.task_type_of, message, embedder).result(
                PATIENCE_SECONDS
            )
        except TimeoutError:
            log.warning("intent_unknown", error="whoever makes embeddings is slow")
            self._rests_until = time.monotonic() + REST_SECONDS
            return GENERAL_INFO

    def _ready(self) -> tuple[Embedder, ThreadPoolExecutor]:
        with self._lock:
            if self._embedder is None or self._threads is None:
                # numpy and an HTTP client cost a start 0.2 s that most requests do not need.
                from sessions.questions.embeddings import Embedder

                self._embedder = Embedder(self._settings)
                self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sorting")
            return self._embedder, self._threads
