"""What happens in a run? The seed says it: who calls, for how long, and what goes wrong when."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Leave(StrEnum):
    """How a caller goes."""

    HANG_UP = "hangs up"
    BY_API = "ends the call by the API"
    CUT = "is cut off"


class Kind(StrEnum):
    """What goes wrong, in the words of the report."""

    AGENT_KILLED = "agent killed (kill -9)"
    AGENT_FROZEN = "agent frozen (SIGSTOP)"
    AGENT_FROZEN_AND_WOKEN = "agent frozen, later woken (SIGCONT)"
    HOST_GONE = "worker and all its agents killed at once"
    WORKER_KILLED = "worker killed (kill -9)"
    DEPLOY = "worker replaced (SIGTERM)"
    WEB_KILLED = "web process killed"
    BEAT_KILLED = "beat killed"
    UPKEEP_KILLED = "upkeep worker killed"
    REDIS_KILLED = "Redis killed (kill -9)"
    REDIS_RESTARTED = "Redis restarted"
    REDIS_AWAY = "Redis away for up to 10 s"
    LIVEKIT_RESTARTED = "livekit-server restarted"
    MESSAGE_DOUBLED = "message doubled"
    MESSAGE_DROPPED = "message lost"
    MESSAGE_DELAYED = "message late"
    CALLER_CUT = "caller cut off"


IN_THE_DECK = tuple(kind for kind in Kind if kind is not Kind.CALLER_CUT)
"""What the driver does; callers are cut off by their own plan."""

_SHARE_OF_LEAVES = {Leave.HANG_UP: 45, Leave.BY_API: 47, Leave.CUT: 8}
_SHARE_OF_FULL_CALLS = 0.04
_SHORTEST_SECONDS, _LONGEST_SECONDS = 4.0, 11.0
_SHORTEST_GAP, _LONGEST_GAP = 2.0, 5.0


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One caller. A full call asks something aloud; the others only listen."""

    number: int
    full: bool
    seconds: float
    leave: Leave
    words: int


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """One thing that goes wrong, ``gap`` seconds after the last; ``pick`` chooses whom it hits."""

    gap: float
    kind: Kind
    pick: int
    strength: float


def plan_calls(seed: int, count: int) -> list[CallPlan]:
    """Return the callers of a run."""
    chance = random.Random(f"calls {seed}")
    calls: list[CallPlan] = []
    for number in range(count):
        full = chance.random() < _SHARE_OF_FULL_CALLS or number == 1
        leave = chance.choices(list(_SHARE_OF_LEAVES), list(_SHARE_OF_LEAVES.values()))[0]
        seconds = chance.uniform(_SHORTEST_SECONDS, _LONGEST_SECONDS)
        words = chance.randint(2, 12)
        calls.append(CallPlan(number, full, seconds, Leave.BY_API if full else leave, words))
    return calls


def plan_faults(seed: int) -> Iterator[FaultPlan]:
    """Yield what goes wrong, without end: every kind once, in some order, then all again."""
    chance = random.Random(f"faults {seed}")
    while True:
        for kind in chance.sample(IN_THE_DECK, len(IN_THE_DECK)):
            gap = chance.uniform(_SHORTEST_GAP, _LONGEST_GAP)
            yield FaultPlan(gap, kind, chance.randrange(1_000_000), chance.random())
