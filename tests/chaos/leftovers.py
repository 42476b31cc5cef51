"""Is anything left of the calls once they are over: keys, rooms, processes, sockets, files?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import cast

import psutil
from redis.exceptions import RedisError

from agents.voice.rooms import LiveKitErrors, room_names
from tests.chaos.house import ChaosHouse
from tests.chaos.proofs import LEFT, Failure

_WITHIN_SECONDS = 75.0
_MORE_DESCRIPTORS = 24
"""What pools of connections may have grown by since the first calls."""

_OF_SESSIONS = ("session:", "agent:", "alias:", "user:", "scope:", "sessions:")
_QUEUES = ("sessions", "upkeep", "answers")


async def leftovers(house: ChaosHouse, levels: dict[str, int]) -> list[Failure]:
    """Return what is left, after the time that the house may take to clean up."""
    found: list[Failure] = []
    deadline = asyncio.get_running_loop().time() + _WITHIN_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        found = await asyncio.to_thread(lambda: list(_left(house, levels)))
        if not found:
            break
        await asyncio.sleep(1)
    return found


def _left(house: ChaosHouse, levels: dict[str, int]) -> Iterator[Failure]:
    checks: list[Callable[[], Iterable[str]]] = [
        lambda: _keys(house),
        lambda: _rooms(house),
        lambda: _processes(house),
        lambda: _descriptors(house, levels),
        lambda: _loose_sockets(house),
    ]
    for check in checks:
        try:
            yield from (Failure(LEFT, "", what) for what in check())
        except (RedisError, *LiveKitErrors) as error:
            yield Failure(LEFT, "", f"it could not be seen: {error!r}")


def _keys(house: ChaosHouse) -> Iterator[str]:
    redis = house.context.redis
    for key in cast("Iterator[str]", redis.scan_iter("*", count=1000)):
        lasting = redis.ttl(key) == -1
        if key.startswith("session:") and key.endswith(":events"):
            if lasting:
                yield f"the log {key} stays for ever"
        elif key.startswith(_OF_SESSIONS) and not key.endswith(":starts"):
            yield f"the key {key}"
    for queue in _QUEUES:
        if (waiting := cast("int", redis.llen(queue))) > 2:
            yield f"{waiting} messages in the queue {queue}"


def _rooms(house: ChaosHouse) -> Iterator[str]:
    for name in asyncio.run(room_names(house.settings)):
        yield f"the room {name}"


def _processes(house: ChaosHouse) -> Iterator[str]:
    for process in house.orphans():
        with contextlib.suppress(psutil.NoSuchProcess):
            yield f"the process {process.pid}: {' '.join(process.cmdline())[:100]}"
    for child in house.retired:
        if child.running:
            yield f"a worker that was told to go: {child.pid}"


def _descriptors(house: ChaosHouse, levels: dict[str, int]) -> Iterator[str]:
    for name, count in descriptors(house).items():
        if count > levels.get(name, count) + _MORE_DESCRIPTORS:
            yield f"{count} descriptors in {name}, which had {levels[name]} at first"


def descriptors(house: ChaosHouse) -> dict[str, int]:
    """Return how many descriptors the lasting processes hold."""
    counts: dict[str, int] = {}
    for name, process in _lasting(house):
        with contextlib.suppress(psutil.NoSuchProcess):
            counts[name] = process.num_fds()
    return counts


def _loose_sockets(house: ChaosHouse) -> Iterator[str]:
    """Sockets whose other end has gone, and that nobody has closed."""
    for name, process in _lasting(house):
        with contextlib.suppress(psutil.NoSuchProcess):
            sockets = process.net_connections("tcp")
            own = {s.laddr.port for s in sockets if s.status == psutil.CONN_LISTEN}
            loose = [s for s in sockets if s.status == psutil.CONN_CLOSE_WAIT]
            # A pool may keep what the other side has closed until it is next used; a server not.
            if left := sum(s.laddr.port in own for s in loose):
                yield f"{left} sockets nobody closed in {name}"


def _lasting(house: ChaosHouse) -> Iterator[tuple[str, psutil.Process]]:
    """Yield the processes that outlive a call: every part, and whoever serves for it."""
    for name, child in list(house.children.items()):
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(child.pid)
            yield name, process
            if name.startswith(("web", "inference", "livekit")):
                for number, served in enumerate(process.children()):
                    yield f"{name}/{number}", served
