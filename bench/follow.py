"""How long is an event on its way to a client that follows the session?"""

from __future__ import annotations

from bench import sockets
from bench.measuring import Row
from tests.fixtures.house import House

SOCKETS = 1000
SESSIONS = 100
SECONDS = 8
HOW = (
    f"{SOCKETS} WebSockets on one web process with a Redis of its own, {SESSIONS} sessions that "
    f"make one event a second each, for {SECONDS} s; from just before `emit` to the whole frame at "
    "the client. `python -m bench.sockets` takes other numbers."
)


def measure(house: House) -> list[Row]:
    """Measure beside the house, which has nothing to do meanwhile."""
    found = sockets.measure(SOCKETS, SESSIONS, SECONDS)
    if found.lost or found.doubled:
        raise RuntimeError(f"{found.lost} events were lost, {found.doubled} came twice.")
    name = f"event to {SOCKETS} sockets"
    return [
        Row(f"{name}, p50", "ms", found.p50),
        Row(f"{name}, p99", "ms", found.p99),
        Row("memory of a socket", "kB", found.kilobytes_per_socket),
    ]
