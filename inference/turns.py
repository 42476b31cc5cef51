"""Who may use the processor next, when more want to than there is room for?

Work on a model is cut into short pieces, and each piece waits for a place in order of arrival. A
place is held while something is computed, never while a client reads: neither a slow nor a vanished
client can keep others waiting.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class BusyError(Exception):
    """Too many are waiting already, or the wait took too long: come back later."""


class Turns:
    """A fixed number of places behind one short, fair queue."""

    def __init__(self, places: int, queue_length: int, queue_seconds: float) -> None:
        self._free = places
        self._queue_length = queue_length
        self._queue_seconds = queue_seconds
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """Return how many pieces of work wait for a place."""
        return len(self._waiting)

    def take(self, work: Callable[[], Result], *, first: bool = False) -> Result:
        """Run ``work`` as soon as it is its turn, and return what it returns.

        The ``first`` piece of a request is refused with `BusyError` when the queue is full or too
        slow; later pieces wait for as long as it takes, since half an answer helps nobody.
        """
        self._enter(first)
        try:
            return work()
        finally:
            self._leave()

    def _enter(self, first: bool) -> None:
        with self._lock:
            if self._free and not self._waiting:
                self._free -= 1
                return
            if first and len(self._waiting) >= self._queue_length:
                raise BusyError("The queue is full.")
            called = threading.Event()
            self._waiting.append(called)
        if called.wait(self._queue_seconds if first else None):
            return
        with self._lock:
            # The call can come between the end of the wait and the lock.
            if called.is_set():
                return
            self._waiting.remove(called)
        raise BusyError("The wait for a place took too long.")

    def _leave(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
