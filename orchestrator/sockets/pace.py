"""How fast may a client talk on its socket?"""

from __future__ import annotations

import time

_MINUTE = 60.0


class Pace:
    """Counts the messages of one socket, minute by minute."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._since = time.monotonic()
        self._count = 0

    def allows_one_more(self) -> bool:
        """Count a message; tell whether there are not too many in this minute."""
        now = time.monotonic()
        if now - self._since >= _MINUTE:
            self._since, self._count = now, 0
        self._count += 1
        return not self._per_minute or self._count <= self._per_minute
