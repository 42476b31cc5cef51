"""What is a message about, if whoever makes embeddings is slow or away? Nobody waits to know."""

from __future__ import annotations

import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import structlog

from sessions.questions.intents import Intents
from sessions.questions.tasks import GENERAL_INFO
from sessions.settings import Settings

if TYPE_CHECKING:
    from sessions.questions.embeddings import Embedder

PATIENCE_SECONDS = 1.0
"""A message that cannot be sorted for so long is taken for a question of general kind."""
FIRST_PATIENCE_SECONDS = 5.0
"""So long while the phrases of the table have no vectors yet: many at once take a while."""
REST_SECONDS = 3.0
"""After that nothing is sorted for a while, so that messages do not all wait in vain."""

log = structlog.get_logger(__name__)


class Sorter:
    """Sorts messages by task type, for one process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._intents = Intents.load(settings)
        self._embedder: Embedder | None = None
        self._rests_until = 0.0
        self._lock = threading.Lock()

    def task_type_of(self, message: str) -> str:
        """Return what ``message`` is about, in good time."""
        if time.monotonic() < self._rests_until:
            return GENERAL_INFO
        found = SimpleQueue[str]()
        # Daemons: a process that ends does not wait for who is slow either.
        threading.Thread(
            target=lambda: found.put(self._sort(message)), name="sorting", daemon=True
        ).start()
        try:
            ready = self._intents.ready
            return found.get(timeout=PATIENCE_SECONDS if ready else FIRST_PATIENCE_SECONDS)
        except Empty:
            log.warning("intent_unknown", error="whoever makes embeddings is slow")
            self._rests_until = time.monotonic() + REST_SECONDS
            return GENERAL_INFO

    def close(self) -> None:
        """Close the connections; the next message opens new ones."""
        if self._embedder is not None:
            self._embedder.close()

    def _sort(self, message: str) -> str:
        return self._intents.task_type_of(message, self._ready())

    def _ready(self) -> Embedder:
        with self._lock:
            if self._embedder is None:
                # numpy and an HTTP client cost a start 0.2 s that most requests do not need.
                from sessions.questions.embeddings import Embedder

                self._embedder = Embedder(self._settings)
            return self._embedder
