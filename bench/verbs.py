"""What do the verbs of a session cost whoever calls them?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from bench.measuring import Goal, Row, median
from sessions.connections import connect
from sessions.directory import Directory
from sessions.fleet import Fleet, WorkerRecord
from sessions.ids import is_session_id
from sessions.settings import Settings
from sessions.states import Reason
from sessions.store import SessionStore
from tests.fixtures.house import House
from tests.support.sessions import new_session
from tests.support.settings import settings_with

COUNT = 1000
ROUNDS = 3
HOW = (
    f"{ROUNDS} rounds of {COUNT} voice sessions in an otherwise empty database of the same Redis, "
    "one client, one after another: `create`, `add_alias`, `is_session_id`, and `finish` once they "
    "are ending. p50 of each, round trip included; one `PING` for comparison."
)
MISSED = (
    "each verb is one round trip and one script; the PING beside it says what a round trip costs "
    "on the machine at the moment. Under it remain redis-py's packing of twelve keys and the "
    "script itself; a C parser of replies (hiredis) has not been tried."
)

T = TypeVar("T")


def measure(house: House) -> list[Row]:
    """Measure each verb on many sessions."""
    address = house.settings.redis_url.rpartition("/")[0]
    settings = settings_with(**{**house.settings.model_dump(), "redis_url": f"{address}/4"})
    took: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, times in _round(settings).items():
            took.setdefault(name, []).extend(times)
    ping = median(took.pop("PING"))
    goals = {"create": 0.3, "map alias": 0.1, "validate": 0.005, "clean": 0.3}
    return [
        Row(
            f"{name} a session, p50",
            "ms",
            median(took[name]),
            "PING",
            None if name == "validate" else ping,
            Goal(at_most=goal),
        )
        for name, goal in goals.items()
    ]


def _round(settings: Settings) -> dict[str, list[float]]:
    redis = connect(settings)
    redis.flushdb()
    store, directory = SessionStore(redis, settings), Directory(redis)
    record = WorkerRecord("sessions@bench", "bench", 1, "boot", "0", 3, 0, store.now())
    Fleet(redis, settings).report(record)
    new = [new_session() for _ in range(COUNT)]
    took = {
        "PING": _time(lambda _: redis.ping(), new),
        "create": _time(store.create, new),
        "validate": _time(lambda one: is_session_id(one.id), new),
    }
    found = [session for one in new if (session := directory.load(one.id))]
    took["map alias"] = _time(lambda one: store.add_alias(one, f"token-{one.id}"), found)
    for one in found:
        store.begin_ending(one.id, Reason.USER_LEFT)
    took["clean"] = _time(store.finish, found)
    redis.flushdb()
    redis.close()
    return took


def _time(verb: Callable[[T], object], items: Iterable[T]) -> list[float]:
    took: list[float] = []
    for item in items:
        started = time.perf_counter()
        verb(item)
        took.append((time.perf_counter() - started) * 1000)
    return took
