"""Has whoever sent a request hung up before it is answered?"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Mapping
from typing import Any


def watch(environ: Mapping[str, Any]) -> Callable[[], bool]:
    """Return a function that tells whether the client of a request has closed its connection.

    Where the server does not show its socket, nobody ever has.
    """
    connection: socket.socket | None = environ.get("gunicorn.socket")

    def has_hung_up() -> bool:
        return connection is not None and _is_closed(connection)

    return has_hung_up


def _is_closed(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if not poll.poll(0):
        return False
    try:
        # Something to read may be the next request, or the end.
        return connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True
