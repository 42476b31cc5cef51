"""Which sockets does this web process hold, and is there room for one more?"""

from __future__ import annotations

import threading
from collections import Counter

from orchestrator.sockets.outbox import Farewell, Outbox
from sessions.errors import LimitReachedError

_RETRY_AFTER = 5


class Roster:
    """Every socket of this process, from before its handshake until it has gone."""

    def __init__(self, queue: int, per_session: int) -> None:
        self._queue = queue
        self._per_session = per_session
        self._outboxes: set[Outbox] = set()
        self._of_session: Counter[str] = Counter()
        self._closing: Farewell | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._outboxes)

    def admit(self, session_id: str) -> Outbox:
        """Take in one more socket.

        Raises:
            LimitReachedError: the session has as many as it may have here.
        """
        with self._lock:
            if self._of_session[session_id] >= self._per_session:
                raise LimitReachedError(
                    f"This session has {self._per_session} sockets open already; close one first.",
                    _RETRY_AFTER,
                )
            outbox = Outbox(session_id, self._queue)
            self._outboxes.add(outbox)
            self._of_session[session_id] += 1
            if self._closing is not None:
                outbox.close(self._closing)
        return outbox

    def leave(self, outbox: Outbox) -> None:
        """Let a socket go; doing so twice changes nothing."""
        with self._lock:
            if outbox not in self._outboxes:
                return
            self._outboxes.remove(outbox)
            self._of_session[outbox.session_id] -= 1
            if not self._of_session[outbox.session_id]:
                del self._of_session[outbox.session_id]

    def close_all(self, farewell: Farewell) -> None:
        """Close every socket, and from now on each new one too."""
        with self._lock:
            self._closing = farewell
            outboxes = list(self._outboxes)
        for outbox in outboxes:
            outbox.close(farewell)

    def cut_all(self) -> None:
        """End the connections of all that have not gone by themselves."""
        with self._lock:
            outboxes = list(self._outboxes)
        for outbox in outboxes:
            outbox.cut()
