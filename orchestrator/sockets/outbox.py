"""What waits to be sent to one socket, and what if the socket does not take it?

An outbox is bounded. One that overflows is closed and emptied: its client is told to come back and
finds everything it missed in the log, so a slow reader costs the house nothing but that.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from wsproto.frame_protocol import CloseReason

from sessions.events import Event

LAST_EVENT = "session_ended"
"""The type of the event after which nothing more can come."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event on its way to sockets: its place in the log, and its bytes on the wire."""

    position: tuple[int, int]
    frame: bytes
    is_last: bool

    @classmethod
    def of(cls, event: Event, frame: bytes) -> Entry:
        """Make the entry that all sockets of the event's session share."""
        return cls(event.position, frame, event.type == LAST_EVENT)


@dataclass(frozen=True, slots=True)
class Farewell:
    """With which code and words a socket is closed."""

    code: CloseReason
    reason: str


class Outbox:
    """The entries one socket has yet to send. One greenlet takes them; any other may put."""

    def __init__(self, session_id: str, room: int) -> None:
        self.session_id = session_id
        self.farewell: Farewell | None = None
        self._room = room
        self._entries: deque[Entry] = deque()
        self._bell: threading.Event | None = None
        self._cut: Callable[[], None] | None = None

    def attach(self, bell: threading.Event, cut: Callable[[], None]) -> None:
        """Name what rings when there is something to do, and what ends a send that hangs."""
        self._bell, self._cut = bell, cut

    def put(self, entry: Entry) -> None:
        """Add an entry; an outbox that is full says goodbye instead."""
        if self.farewell is not None:
            return
        if len(self._entries) >= self._room:
            self.close(Farewell(CloseReason.TRY_AGAIN_LATER, "Too slow; come back with ?since="))
            return
        self._entries.append(entry)
        self._ring()

    def take(self) -> list[Entry]:
        """Return everything that waits, in order, and empty the outbox."""
        taken = list(self._entries)
        self._entries.clear()
        return taken

    def close(self, farewell: Farewell) -> None:
        """Have the socket closed; the first farewell counts."""
        if self.farewell is None:
            self.farewell = farewell
            self._entries.clear()
            self._ring()

    def cut(self) -> None:
        """End the connection without another word."""
        if self._cut is not None:
            self._cut()

    def _ring(self) -> None:
        if self._bell is not None:
            self._bell.set()
