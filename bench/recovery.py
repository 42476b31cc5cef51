"""How long does a caller wait for another agent when theirs dies, freezes, or its host goes?"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from celery import Celery

from bench.asking import LINE
from bench.house import end_call, settled
from bench.measuring import Goal, Row, median, percentile
from sessions.models import Session
from tests.fixtures.house import WORKER, House, session_worker
from tests.support.caller import Caller, calling
from tests.support.eventually import eventually
from tests.support.processes import Child

KILLS, FREEZES, HOSTS = 20, 5, 5
HOW = (
    f"{KILLS} times an agent is killed (-9), {FREEZES} times one is frozen (SIGSTOP), {HOSTS} "
    "times a session worker and all its children are killed at once while another worker stands "
    "there. Each time somebody has called, has heard the opening line and is silent. From the "
    "signal to the first sample above the codec's noise at the caller; leases and beats are the "
    "defaults. Whoever hears nobody within 30 s is counted as lost."
)

_PATIENCE_SECONDS = 30.0
_TAKEOVERS_A_CALL = 3
_HOSTS = ("sessions@one", "sessions@two")


@dataclass
class Call:
    """One call, and the milliseconds its caller waited for each next agent; ``None``: in vain."""

    house: House
    session_id: str
    caller: Caller

    async def session(self) -> Session:
        """Return the session as it stands."""
        found = await asyncio.to_thread(self.house.directory.load, self.session_id)
        assert found is not None
        return found

    async def waits(self, since: float) -> float | None:
        """Return how many milliseconds after a moment the caller hears somebody."""
        try:
            heard = await self.caller.hears_after(since, _PATIENCE_SECONDS)
        except AssertionError:
            return None
        await self.caller.hears_silence_after(heard, 1.0)
        return (heard - since) * 1000


def measure(house: House) -> list[Row]:
    """Measure all three, one after the other."""
    return asyncio.run(_measure(house))


async def _measure(house: House) -> list[Row]:
    kills: list[float | None] = []
    while len(kills) < KILLS:
        kills += await _calling(house, _kill, min(_TAKEOVERS_A_CALL, KILLS - len(kills)))
    freezes = [one for _ in range(FREEZES) for one in await _calling(house, _freeze, 1)]
    with _two_hosts(house) as hosts:

        async def lose_host(call: Call) -> float | None:
            return await hosts.lose(call)

        gone = [one for _ in range(HOSTS) for one in await _calling(house, lose_host, 1)]
    name = "agent killed -> next one heard"
    return [
        Row(f"{name}, p50", "ms", median(_heard(kills)), goal=Goal(at_most=1000)),
        Row(f"{name}, p95", "ms", percentile(_heard(kills), 95), goal=Goal(at_most=2500)),
        Row("agent frozen -> next one heard, p50", "ms", median(_heard(freezes))),
        _slowest("agent frozen -> next one heard, p95", freezes),
        Row("host gone -> next agent heard, p50", "ms", median(_heard(gone))),
        _slowest("host gone -> next agent heard, p95", gone),
        Row(
            "callers who heard nobody again",
            f"of {len(kills) + len(freezes) + len(gone)}",
            sum(one is None for one in [*kills, *freezes, *gone]),
            goal=Goal(at_most=0),
        ),
    ]


def _slowest(figure: str, found: Sequence[float | None]) -> Row:
    return Row(figure, "ms", percentile(_heard(found), 95), goal=Goal(at_most=14_000))


def _heard(found: Sequence[float | None]) -> list[float]:
    return [one for one in found if one is not None] or [float("nan")]


async def _calling(house: House, lose: Any, times: int) -> list[float | None]:
    """Call, have the agent lost so many times, and end the call."""
    started = await asyncio.to_thread(house.start, openingLine=LINE)
    async with calling(started) as caller:
        await caller.wait_for_quiet()
        call = Call(house, started["sessionId"], caller)
        found: list[float | None] = []
        for _ in range(times):
            await settled(house.children["worker"].pid)
            found.append(await lose(call))
        await end_call(house, call.session_id)
    return found


async def _kill(call: Call) -> float | None:
    return await _signal(call, signal.SIGKILL)


async def _freeze(call: Call) -> float | None:
    return await _signal(call, signal.SIGSTOP)


async def _signal(call: Call, how: signal.Signals) -> float | None:
    pid = await asyncio.to_thread(call.house.agent_pid, call.session_id)
    since = time.monotonic()
    os.kill(pid, how)
    return await call.waits(since)


class _Hosts:
    """Two session workers, each with its children in a process group of its own."""

    def __init__(self, house: House, stack: ExitStack) -> None:
        self._house = house
        self._stack = stack
        self._workers = {name: self._start(name) for name in _HOSTS}

    async def lose(self, call: Call) -> float | None:
        """Kill all that serves a call; have the host back afterwards."""
        name = (await call.session()).worker
        lost = self._workers[name]
        since = time.monotonic()
        os.killpg(lost.pid, signal.SIGKILL)
        waited = await call.waits(since)
        lost.process.wait()
        self._workers[name] = await asyncio.to_thread(self._start, name)
        return waited

    def _start(self, name: str) -> Child:
        since = self._house.store.now()

        def reports() -> bool:
            alive = self._house.fleet_alive()
            return any(one.name == name and one.heartbeat > since for one in alive)

        label = name.partition("@")[2]
        return self._stack.enter_context(self._house.run(label, session_worker(name), reports))


@contextmanager
def _two_hosts(house: House) -> Iterator[_Hosts]:
    """Have two other workers take the calls of a house."""
    with ExitStack() as stack, Celery(broker=house.settings.redis_url) as celery:
        hosts = _Hosts(house, stack)
        celery.control.cancel_consumer("sessions", destination=[WORKER], reply=True)
        try:
            eventually(lambda: len(house.fleet_alive()) == 1 + len(_HOSTS), 30, "two more workers")
            yield hosts
        finally:
            celery.control.add_consumer("sessions", destination=[WORKER], reply=True)
