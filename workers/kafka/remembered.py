"""Which questions have been answered lately, so that a duplicate is not worked on again?

The house keeps each answer once in any case; this only spares the work. What is forgotten, or was
answered by another bridge, is answered anew.
"""

from __future__ import annotations

from threading import Lock

from cachetools import LRUCache

from sessions.questions.tasks import TaskResponse

_BYTES = 16 * 1024 * 1024


class Remembered:
    """The answers given last, as they travelled."""

    def __init__(self, room: int = _BYTES) -> None:
        self._lock = Lock()
        self._answers = LRUCache[str, bytes](room, getsizeof=len)

    def get(self, correlation_id: str) -> bytes | None:
        """Return the answer that was given."""
        with self._lock:
            return self._answers.get(correlation_id)

    def keep(self, response: TaskResponse, sent: bytes) -> None:
        """Remember an answer, unless it is longer than all that is remembered may be."""
        if response.correlation_id is None or len(sent) > self._answers.maxsize:
            return
        with self._lock:
            self._answers[response.correlation_id] = sent
