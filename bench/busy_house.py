"""A house with thousands of live calls in it, all of them talking, without a single voice."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from sessions.connections import connect
from sessions.directory import Directory
from sessions.fleet import Fleet, WorkerRecord
from sessions.settings import Settings
from sessions.states import Reason
from sessions.store import SessionStore
from tests.support.sessions import Actor

PROBES = 10
"""Calls that sort before all others, so that their rows are seen."""
_PROBES_A_SECOND = 10
_TURNOVER_A_SECOND = 2
_WORDS = "word " * 12
_CHANCE = 4


def fill(settings: Settings, calls: int) -> list[str]:
    """Make so many live calls; return the ids of the probes and then of the others."""
    redis = connect(settings)
    store = SessionStore(redis, settings)
    actor = Actor(store)
    ids: list[str] = []
    for n in range(calls):
        if n % 100 == 0:
            _report(store, settings, calls)
        ids.append(actor.ready(user=f"0 probe {n}" if n < PROBES else f"User {n}"))
    redis.close()
    return ids


def keep_busy(settings: Settings, calls: Sequence[str], rate: int, seconds: float) -> None:
    """Change ``rate`` rows a second; the probes say when they spoke, some others come and go."""
    redis = connect(settings)
    store, chance = SessionStore(redis, settings), random.Random(_CHANCE)
    actor = Actor(store)
    probes, others = list(calls[:PROBES]), list(calls[PROBES:])
    started = time.monotonic()
    for n in range(int(rate * seconds)):
        time.sleep(max(0.0, started + n / rate - time.monotonic()))
        if n % (rate // _PROBES_A_SECOND) == 0:
            probe = probes[n // (rate // _PROBES_A_SECOND) % PROBES]
            _say(store, probe, f"at={time.time() * 1000:.0f}")
        elif n % (rate // _TURNOVER_A_SECOND) == 1:
            _report(store, settings, len(calls))
            _end(store, others.pop(0))
            others.append(actor.ready(user=f"Later {n}"))
        else:
            _say(store, chance.choice(others), f"{n} {_WORDS}")
    redis.close()


def _report(store: SessionStore, settings: Settings, slots: int) -> None:
    """Be the worker of all calls, alive for as long as it says so."""
    record = WorkerRecord("sessions@bench", "bench", 1, "boot", "0", slots, slots, store.now())
    Fleet(store.redis, settings).report(record)


def _say(store: SessionStore, session_id: str, text: str) -> None:
    data = {"speaker": "caller", "text": text, "final": True}
    store.emit(session_id, "transcript", data)


def _end(store: SessionStore, session_id: str) -> None:
    store.begin_ending(session_id, Reason.USER_LEFT)
    session = Directory(store.redis).load(session_id)
    if session is not None:
        store.finish(session)
