"""Who may watch now, and who works while somebody does?"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import cast

from flask import Flask

from orchestrator.dashboard.board import Board
from orchestrator.dashboard.frames import HEARTBEAT, RETRY, numbered
from orchestrator.dashboard.messages import Hello
from orchestrator.dashboard.names import KeyNames
from orchestrator.dashboard.reader import PATIENCE_SECONDS, Reader
from orchestrator.dashboard.seat import Seat
from orchestrator.dashboard.shifts import Shift
from orchestrator.dashboard.teller import Teller
from orchestrator.services import Services
from sessions.connections import connect_blocking
from sessions.errors import TooManyWatchersError
from sessions.version import version

EXTENSION = "switchboard_dashboard"
HEARTBEAT_SECONDS = 15.0
_LINGER_SECONDS = 3.0
_RETRY_AFTER = 5
_SEND_BUFFER = 128 * 1024  # The kernel's own limit, 4 MB a socket, would hide a slow reader.


class Watching:
    """The dashboard of one web process."""

    def __init__(self, house: Services) -> None:
        settings = house.settings
        self._most = settings.dashboard_streams
        self._board = Board(_LINGER_SECONDS)
        self._is_closing = False
        self.names = KeyNames(house.apikeys)
        self._teller = Teller(house, self._board, self.names)
        reader = Reader(
            house,
            self._board,
            connect=lambda: connect_blocking(settings, PATIENCE_SECONDS),
            names=self.names,
            hello=lambda live: Hello(
                now=house.store.now(), mode=settings.mode, version=version(), live=live
            ),
            on_ended=self._teller.tell_ended,
        )
        self._shifts = (
            Shift("dashboard rows", self._board, reader.run),
            Shift("dashboard house", self._board, self._teller.run),
        )

    def admit(self, sock: socket.socket | None) -> Seat:
        """Let one more watch.

        Raises:
            TooManyWatchersError: as many do as may.
        """
        if len(self._board) >= self._most:
            raise TooManyWatchersError(
                f"{self._most} dashboards are open at this web process already; close one, or "
                "raise SWITCHBOARD_DASHBOARD_STREAMS.",
                _RETRY_AFTER,
            )
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        seat = Seat(sock)
        self._board.sit(seat)
        for shift in self._shifts:
            shift.begin()
        return seat

    def leave(self, seat: Seat) -> None:
        """Let a watcher go; doing so twice changes nothing."""
        self._board.leave(seat)

    def stream(self, seat: Seat, may_stay: Callable[[], bool]) -> Iterator[bytes]:
        """Return what a watcher is told, until it may not stay or this process stops."""
        yield from _sent(seat, RETRY)
        number, look_again = 0, time.monotonic() + HEARTBEAT_SECONDS
        while not (seat.closed or self._is_closing):
            seat.wait(max(0, look_again - time.monotonic()))
            if time.monotonic() >= look_again:
                if not may_stay():
                    return
                look_again = time.monotonic() + HEARTBEAT_SECONDS
                yield from _sent(seat, HEARTBEAT)
            for written in self._board.take(seat):
                number += 1
                yield from _sent(seat, numbered(number, written))

    def close(self) -> None:
        """Have every stream end, and each new one at once: this process stops."""
        self._is_closing = True
        self._board.close()


def _sent(seat: Seat, written: bytes) -> Iterator[bytes]:
    """Have something sent, and the seat know for how long that takes."""
    seat.begin_sending()
    yield written
    seat.end_sending()


def watching_of(app: Flask) -> Watching:
    """Return the dashboard of ``app``."""
    return cast("Watching", app.extensions[EXTENSION])
