"""Which port can a server of the tests have?

None of those that clients are given for their own end: one could be taken while a server is
restarted, and calls alone need dozens.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path

_FIRST = 10_100
"""Browsers refuse 10080."""
_OF_CLIENTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_OF_CLIENTS_ELSEWHERE = 32_768

_given: set[int] = set()
# Tests may seed the usual one, and then several processes would want the same ports.
_chance = random.SystemRandom()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on, never the same one twice."""
    return free_port_block(1)


def free_port_block(count: int) -> int:
    """Return the first of ``count`` ports in a row that nothing listens on, by TCP or UDP."""
    while True:
        first = _chance.randrange(_FIRST, _first_of_clients() - count)
        block = range(first, first + count)
        if not _given.intersection(block) and all(map(_is_free, block)):
            _given.update(block)
            return first


def _first_of_clients() -> int:
    try:
        first = int(_OF_CLIENTS.read_text().split()[0])
    except OSError:
        return _OF_CLIENTS_ELSEWHERE
    return first if first > 2 * _FIRST else _OF_CLIENTS_ELSEWHERE


def _is_free(port: int) -> bool:
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
