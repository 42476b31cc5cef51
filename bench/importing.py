"""How long until the web front is imported?"""

from __future__ import annotations

import subprocess
import sys

from bench.measuring import Goal, Row, median
from tests.fixtures.house import House
from tests.support.processes import ROOT

ROUNDS = 5
HOW = (
    f"Median of {ROUNDS} fresh interpreters each, taking turns, inside the interpreter from before "
    "to after the import: `orchestrator.app`, and LiveKit's `livekit.agents` that it does without."
)

_TIMED = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def measure(house: House) -> list[Row]:
    """Measure imports in interpreters of their own."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        ours.append(_seconds("orchestrator.app"))
        theirs.append(_seconds("livekit.agents"))
    goal = Goal(at_most=1.5)
    return [
        Row("import of the web front", "s", median(ours), "livekit.agents", median(theirs), goal)
    ]


def _seconds(module: str) -> float:
    command = [sys.executable, "-c", _TIMED.format(module)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(done.stdout)
