"""How do bytes reach a client that reads slowly, or not at all?

Stands between simple-websocket and gunicorn's socket. simple-websocket ignores how much of a frame
``send`` took, so a full buffer would tear frames apart; here every send is whole, or ends the
connection. Its reader and our sender both send, one at a time.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

SEND_SECONDS = 10.0
"""A client that takes in nothing for so long has gone; it can resume."""
LINGER_SECONDS = 1.0
"""How long a closed connection stays half open, so that the close frame arrives."""
_SEND_BUFFER = 128 * 1024  # The kernel's own limit, 4 MB a socket, would hide a slow reader.
_FINAL_TEXT = 0x81
_SHORT, _MEDIUM = 125, 0xFFFF


def text_frame(text: str) -> bytes:
    """Return ``text`` as one WebSocket frame.

    What a server sends is not masked, so one frame serves any number of sockets.
    """
    payload = text.encode()
    size = len(payload)
    if size <= _SHORT:
        return struct.pack("!BB", _FINAL_TEXT, size) + payload
    if size <= _MEDIUM:
        return struct.pack("!BBH", _FINAL_TEXT, 126, size) + payload
    return struct.pack("!BBQ", _FINAL_TEXT, 127, size) + payload


class Transport:
    """The part of a socket that simple-websocket uses."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sending = threading.Lock()
        self._torn = False
        sock.settimeout(SEND_SECONDS)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    def fileno(self) -> int:
        """Return the descriptor, for selectors."""
        return self._sock.fileno()

    def send(self, data: bytes) -> int:
        """Send all of ``data``; a send that fails on the way cuts the connection."""
        with self._sending:
            if self._torn:
                raise BrokenPipeError("This connection has been cut.")
            try:
                self._sock.sendall(data)
            except OSError:
                self.cut()
                raise
        return len(data)

    def recv(self, size: int) -> bytes:
        """Receive, but not before the client has taken what it is being sent.

        So nobody can pile up messages here by not reading the answers to them.
        """
        with self._sending:
            pass
        return self._sock.recv(size)

    def close(self) -> None:
        """Stop sending and drop what still comes in; gunicorn closes the socket itself.

        Closing with bytes unread would reset the connection and take the close frame with it.
        """
        deadline = time.monotonic() + LINGER_SECONDS
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:
                self._sock.settimeout(left)
                if not self._sock.recv(65_536):
                    return

    def cut(self) -> None:
        """End the connection at once; whoever waits on it wakes up."""
        self._torn = True
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
