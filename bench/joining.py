"""How long after its task was sent is an agent in the room, with its track published?"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict

from celery import Celery

from bench.contender import JOIN, agent_server
from bench.house import end_call, settled
from bench.measuring import Goal, Row, median, percentile
from bench.rooms import bare, until_published
from tests.fixtures.house import House
from tests.support.sessions import new_session
from workers.app import RUN_SESSION

ROUNDS = 50
HOW = (
    f"{ROUNDS} rounds; in each, one after another: a bare participant (`rtc.Room.connect`, then "
    "publish) in one process that connects again and again, the same in a process forked for it, "
    "our agent, and every second round an `AgentServer` job that only connects and publishes. "
    "Between rounds we wait until all processes are warm and idle. An observer already in the room "
    "times all of them alike: from just before the call of `connect`, `send_task` or "
    "`create_dispatch` to `track_published`. Ours has also claimed its session by then."
)
MISSED = (
    "a fresh process pays at its first join for what a process that joins again has already in "
    "LiveKit's native runtime; the forked bare join beside it shows how much."
)


def measure(house: House) -> list[Row]:
    """Measure all contenders, taking turns."""
    return asyncio.run(_measure(house))


async def _measure(house: House) -> list[Row]:
    took: defaultdict[str, list[float]] = defaultdict(list)
    settings = house.settings
    celery = Celery(broker=settings.redis_url)
    async with (
        bare(settings, "again") as again,
        bare(settings, "fresh") as fresh,
        agent_server(house) as contender,
    ):

        async def dispatch(room: str) -> float:
            started = time.monotonic()
            await contender.dispatch(room, JOIN)
            return started

        await settled(contender.pid)
        for n in range(-1, ROUNDS):
            found = {"again": await again.join(), "fresh": await fresh.join()}
            found["ours"], found["claimed"] = await _call(house, celery)
            if n % 2:
                room = f"agent-server-{n}"
                found["server"] = await until_published(
                    settings, room, lambda room=room: dispatch(room)
                )
                # It notices only after a while that it has a process less than it should have.
                await asyncio.sleep(0.5)
                await settled(contender.pid)
            if n >= 0:
                for name, milliseconds in found.items():
                    took[name].append(milliseconds)
    celery.close()
    return _rows(took)


def _rows(took: dict[str, list[float]]) -> list[Row]:
    ours, again = took["ours"], took["again"]
    name = "task sent -> joined and published"
    return [
        Row(
            f"{name}, p50", "ms", median(ours), "bare join", median(again), Goal(ratio_at_most=1.5)
        ),
        Row(
            f"{name}, p95",
            "ms",
            percentile(ours, 95),
            "bare join",
            percentile(again, 95),
            Goal(ratio_at_most=2.5),
        ),
        Row(
            f"{name}, p50",
            "ms",
            median(ours),
            "AgentServer",
            median(took["server"]),
            Goal(ratio_at_most=0.5),
        ),
        Row(f"{name}, p50", "ms", median(ours), "bare join, forked", median(took["fresh"])),
        Row("of that: task sent -> claimed, p50", "ms", median(took["claimed"])),
    ]


async def _call(house: House, celery: Celery) -> tuple[float, float]:
    """Take one call; return the milliseconds to its track and to its claim."""
    new = new_session()
    house.store.create(new)
    sent = 0.0

    async def send() -> float:
        nonlocal sent
        started, sent = time.monotonic(), time.time()
        celery.send_task(RUN_SESSION, args=[new.id, 1], queue="sessions")
        return started

    took = await until_published(house.settings, new.id, send)
    session = house.directory.load(new.id)
    assert session is not None
    claimed = session.timeline["claimed"] - sent * 1000
    await end_call(house, new.id)
    return took, claimed
