"""Which port can a server of the tests have?"""

from __future__ import annotations

import socket

_given: set[int] = set()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port of 127.0.0.1 that nothing listens on, never the same one twice."""
    while True:
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def free_port_block(count: int) -> int:
    """Return the first of ``count`` ports in a row that nothing listens on, by TCP or UDP."""
    while True:
        first = free_port()
        block = range(first, first + count)
        if not _given.intersection(block[1:]) and all(map(_is_free, block)):
            _given.update(block)
            return first


def _is_free(port: int) -> bool:
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.bind(("127.0.0.1", port))
    except (OSError, OverflowError):
        return False
    return True
