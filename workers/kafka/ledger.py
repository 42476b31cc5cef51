"""Which messages of a partition are done, and so up to where may be committed?

Several are worked on at once and end in any order, but a commit covers all that came before it.
"""

from __future__ import annotations

import time
from threading import Condition


class Ledger:
    """What has been taken of one partition, from its assignment to its end."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._undone: dict[int, None] = {}
        """In the order of the offsets, because they are taken in that order."""
        self._next: int | None = None
        self._running = 0
        self._closed = False
        self._committed: int | None = None

    def __len__(self) -> int:
        """Return how many messages have been taken and are not done."""
        return len(self._undone)

    def take(self, offset: int) -> None:
        """Note that the message at ``offset`` waits for its turn."""
        with self._changed:
            self._undone[offset] = None
            self._next = offset + 1

    def begin(self) -> bool:
        """Tell whether work on a message may begin; whoever was told so calls ``done``."""
        with self._changed:
            self._running += not self._closed
            return not self._closed

    def done(self, offset: int) -> None:
        """Note that all that the message at ``offset`` asked for has been done."""
        with self._changed:
            self._undone.pop(offset, None)
            self._running -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """Let nothing of it be begun any more: the partition goes to somebody else."""
        with self._changed:
            self._closed = True

    def wait(self, until: float) -> bool:
        """Wait for all that has been begun, until that moment of the monotonic clock."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._running == 0, max(0.0, until - time.monotonic())
            )

    def to_commit(self) -> int | None:
        """Return the offset to go on from, if it is another than at the last commit."""
        with self._changed:
            offset = next(iter(self._undone), self._next)
            if offset == self._committed:
                return None
            self._committed = offset
            return offset

    def forget_commit(self) -> None:
        """Have the offset committed again: the last commit has failed."""
        with self._changed:
            self._committed = None
