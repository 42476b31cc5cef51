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
from tests.support.own_redis import redis_in
from tests.support.ports import free_port
from tests.support.sessions import new_session
from tests.support.settings import settings_with

COUNT = 1000
ROUNDS = 3
HOW = (
    f"{ROUNDS} rounds of {COUNT} voice sessions in an otherwise empty database of the same Redis, "
    "one client, one after another: `create`, `add_alias`, `is_session_id`, and `finish` once they "
    "are ending. p50 of each, round trip included; one `PING` for comparison. Redis has each write "
    "on its disk before it answers, as it is shipped; *synced each second* is the same, taking "
    "turns, with a Redis of `SWITCHBOARD_REDIS_APPENDFSYNC=everysec`."
)
MISSED = (
    "each verb is one round trip, one script and one sync of the disk; the PING beside it says "
    "what a round trip costs on the machine at the moment, and the rows synced each second what "
    "the disk does. Under it remain redis-py's packing of twelve keys and the script itself."
)

GOALS = {"create": 0.3, "map alias": 0.1, "validate": 0.005, "clean": 0.3}

T = TypeVar("T")


def measure(house: House) -> list[Row]:
    """Measure each verb on many sessions, with both ways of writing taking turns."""
    address = house.settings.redis_url.rpartition("/")[0]
    rows: list[Row] = []
    port = free_port()
    with redis_in(house.folder / "behind", port, "everysec"):
        urls = {
            "p50": f"{address}/4",
            "synced each second, p50": f"redis://127.0.0.1:{port}/4",
        }
        took = {name: dict[str, list[float]]() for name in urls}
        for _ in range(ROUNDS):
            for name, url in urls.items():
                settings = settings_with(**{**house.settings.model_dump(), "redis_url": url})
                for verb, times in _round(settings).items():
                    took[name].setdefault(verb, []).extend(times)
    for name, verbs in took.items():
        ping = median(verbs.pop("PING"))
        rows += [
            Row(
                f"{verb} a session, {name}",
                "ms",
                median(verbs[verb]),
                "PING",
                None if verb == "validate" else ping,
                Goal(at_most=goal),
            )
            for verb, goal in GOALS.items()
            if verb != "validate" or name == "p50"
        ]
    return rows


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
