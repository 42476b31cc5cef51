"""What has one watcher still to be told?

Not messages but what is out of date: of each session the newest row only. So however slowly
somebody reads, no more waits for it than there are sessions.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable

ENDED_SHOWN = 50
"""So many of the last ends are in a picture; of more that come at once the rest is not told."""


class Seat:
    """One watcher's place. The board marks, the watcher's own greenlet takes."""

    def __init__(self, sock: socket.socket | None = None) -> None:
        self.closed = False
        self.is_new = True
        """It has no picture yet, or is to have a new one."""
        self.changed: dict[str, None] = {}
        self.known: set[str] = set()
        self.gone: set[str] = set()
        self.stills: dict[str, None] = {}
        self.ended: deque[bytes] = deque(maxlen=ENDED_SHOWN)
        self._sock = sock
        self._bell = threading.Event()
        self._sending_since: float | None = None

    def mark_rows(self, changed: Iterable[str], gone: Iterable[str]) -> None:
        """Have these sessions told anew, and those taken away."""
        if self.is_new:
            return
        for session_id in changed:
            self.changed[session_id] = None
        for session_id in gone:
            self.changed.pop(session_id, None)
            if session_id in self.known:
                self.gone.add(session_id)
        self.ring()

    def mark_still(self, name: str) -> None:
        """Have one of the house's own messages told anew."""
        self.stills[name] = None
        self.ring()

    def mark_ended(self, sessions: Iterable[bytes]) -> None:
        """Have these ends told, the last one last."""
        if not self.is_new:
            self.ended.extend(sessions)
            self.ring()

    def begin_anew(self) -> None:
        """Have everything told anew."""
        self.is_new = True
        self.changed.clear()
        self.gone.clear()
        self.ended.clear()
        self.ring()

    def close(self) -> None:
        """Have the stream end."""
        self.closed = True
        self.ring()

    def ring(self) -> None:
        """Wake the watcher."""
        self._bell.set()

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to tell; tell whether there is."""
        rang = self._bell.wait(seconds)
        self._bell.clear()
        return rang

    def begin_sending(self) -> None:
        """Take note that the watcher is being sent something."""
        self._sending_since = time.monotonic()

    def end_sending(self) -> None:
        """Take note that it has taken it."""
        self._sending_since = None

    def is_slower_than(self, seconds: float) -> bool:
        """Tell whether it has not taken for so long what it is being sent."""
        since = self._sending_since
        return since is not None and time.monotonic() - since > seconds

    def cut(self) -> None:
        """End the connection; whoever sends on it wakes up."""
        self.close()
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)
