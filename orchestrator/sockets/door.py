"""What if thousands of clients come back at once, as they do after a restart?

Each asks Redis a few things before its socket is live. A few dozen at a time may, so that the
connections to Redis suffice for everybody else as well; the others wait in line.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import TimeoutError as RedisTimeoutError

_AT_ONCE = 32
_PATIENCE_SECONDS = 5.0


class Door:
    """Lets so many through at once."""

    def __init__(self, at_once: int = _AT_ONCE, patience: float = _PATIENCE_SECONDS) -> None:
        self._places = threading.BoundedSemaphore(at_once)
        self._patience = patience

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Hold one of the places.

        Raises:
            redis.exceptions.TimeoutError: no place came free; to a caller that is the same as a
                Redis too busy to answer.
        """
        if not self._places.acquire(timeout=self._patience):
            raise RedisTimeoutError("Too many sockets are being opened at once.")
        try:
            yield
        finally:
            self._places.release()
