"""How long is an event on its way when thousands follow, on one web process?"""

from __future__ import annotations

from bench import sockets
from bench.measuring import Goal, Row
from tests.fixtures.house import House

SOCKETS = 3000
SESSIONS = 200
SECONDS = 20
HOW = (
    f"As `follow`, with {SOCKETS} WebSockets on one web process, {SOCKETS // SESSIONS} for each of "
    f"{SESSIONS} sessions that make one event a second each, for {SECONDS} s. Lost is what did not "
    "come within 5 s of the last; out of order is what came twice, or after a later one."
)


def measure(house: House) -> list[Row]:
    """Measure beside the house, which has nothing to do meanwhile."""
    found = sockets.measure(SOCKETS, SESSIONS, SECONDS)
    name = f"event to {SOCKETS} sockets"
    return [
        Row(f"{name}, p50", "ms", found.p50),
        Row(f"{name}, p99", "ms", found.p99, goal=Goal(at_most=100)),
        Row(f"{name}, lost", "events", found.lost, goal=Goal(at_most=0)),
        Row(
            f"{name}, twice or out of order",
            "events",
            found.doubled + found.misplaced,
            goal=Goal(at_most=0),
        ),
        Row("web process meanwhile", "% of a core", found.cpu_share * 100),
    ]
