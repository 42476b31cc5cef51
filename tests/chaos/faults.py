"""What exactly happens when something goes wrong, and whom does it hit?"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import psutil
from redis.exceptions import RedisError

from sessions.keys import SessionKeys
from tests.chaos.calls import Call
from tests.chaos.house import ChaosHouse
from tests.chaos.messages import QUEUES, give_back, take_message
from tests.chaos.plan import FaultPlan, Kind
from tests.support.eventually import eventually

_AWAY_SECONDS = (2.0, 10.0)
_LATE_SECONDS = (1.0, 6.0)
_FROZEN_SECONDS = 14.0


@dataclass
class Fault:
    """Something that went wrong at ``at`` (Unix time).

    ``hit`` are the sessions that may notice; where it ``disturbs``, they lose their agents.
    """

    kind: Kind
    at: float
    hit: frozenset[str] = frozenset()
    note: str = ""
    disturbs: bool = False
    house_wide: bool = False


@dataclass
class Faults:
    """Does what the plan says to one house."""

    house: ChaosHouse
    calls: Callable[[], Sequence[Call]]
    """Returns the calls that go on now."""
    done: list[Fault] = field(default_factory=list[Fault])
    _later: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def do(self, plan: FaultPlan) -> None:
        """Let one thing go wrong; returns when the cause is over, the effect may not be."""
        doing: dict[Kind, Callable[[FaultPlan], Awaitable[None]]] = {
            Kind.AGENT_KILLED: self._kill_agent,
            Kind.AGENT_FROZEN: self._freeze_agent,
            Kind.AGENT_FROZEN_AND_WOKEN: self._freeze_agent,
            Kind.HOST_GONE: self._kill_worker,
            Kind.WORKER_KILLED: self._kill_worker,
            Kind.DEPLOY: self._deploy,
            Kind.WEB_KILLED: self._kill_web,
            Kind.BEAT_KILLED: self._kill_part,
            Kind.UPKEEP_KILLED: self._kill_part,
            Kind.REDIS_KILLED: self._restart_redis,
            Kind.REDIS_RESTARTED: self._restart_redis,
            Kind.REDIS_AWAY: self._restart_redis,
            Kind.LIVEKIT_RESTARTED: self._restart_livekit,
            Kind.MESSAGE_DOUBLED: self._meddle,
            Kind.MESSAGE_DROPPED: self._meddle,
            Kind.MESSAGE_DELAYED: self._meddle,
        }
        await doing[plan.kind](plan)

    async def settle(self) -> None:
        """Wait until what was put off has been done."""
        await asyncio.gather(*self._later)

    async def _kill_agent(self, plan: FaultPlan) -> None:
        found = await asyncio.to_thread(self._agent, plan.pick)
        if found is not None:
            call, pid = found
            self._note(plan, [call], disturbs=True, note=f"pid {pid}")
            _signal(pid, signal.SIGKILL)

    async def _freeze_agent(self, plan: FaultPlan) -> None:
        found = await asyncio.to_thread(self._agent, plan.pick)
        if found is None:
            return
        call, pid = found
        self._note(plan, [call], disturbs=True, note=f"pid {pid}")
        _signal(pid, signal.SIGSTOP)
        if plan.kind is Kind.AGENT_FROZEN_AND_WOKEN:
            self._after(_FROZEN_SECONDS, lambda: _signal(pid, signal.SIGCONT))

    async def _kill_worker(self, plan: FaultPlan) -> None:
        place = "ab"[plan.pick % 2]
        await asyncio.to_thread(self._until_both_workers_serve)
        name = self.house.worker_name(place)
        hit = await asyncio.to_thread(self._calls_of, name)
        self._note(plan, hit, disturbs=True, note=name)
        # Without its children they die a moment later: Linux tells them when their parent has gone.
        self.house.kill(f"sessions-{place}", with_children=plan.kind is Kind.HOST_GONE)

    async def _deploy(self, plan: FaultPlan) -> None:
        place = "ab"[plan.pick % 2]
        await asyncio.to_thread(self._until_both_workers_serve)
        name = self.house.worker_name(place)
        hit = await asyncio.to_thread(self._calls_of, name)
        self._note(plan, hit, note=name)
        self.house.replace_worker(place)

    async def _kill_web(self, plan: FaultPlan) -> None:
        """Kill a process that serves, or with it the master that would start another."""
        child = self.house.children[f"web-{'ab'[plan.pick % 2]}"]
        self._note(plan, self._talking(), house_wide=True)
        with contextlib.suppress(psutil.NoSuchProcess):
            serving = psutil.Process(child.pid).children()
            if plan.strength < 0.3:
                child.process.kill()
            for process in serving:
                process.kill()

    async def _kill_part(self, plan: FaultPlan) -> None:
        kind = "beat" if plan.kind is Kind.BEAT_KILLED else "upkeep"
        name = f"{kind}-{'ab'[plan.pick % 2]}"
        self._note(plan, self._talking(), house_wide=True, note=name)
        self.house.kill(name)

    async def _restart_redis(self, plan: FaultPlan) -> None:
        child = self.house.children["redis"]
        self._note(plan, self._talking(), house_wide=True)
        with self.house.held("redis"):
            _signal(child.pid, signal.SIGKILL if plan.kind is Kind.REDIS_KILLED else signal.SIGTERM)
            await asyncio.to_thread(child.process.wait)
            if plan.kind is Kind.REDIS_AWAY:
                least, most = _AWAY_SECONDS
                await asyncio.sleep(least + plan.strength * (most - least))
        await asyncio.to_thread(self.house.wait_until_ready, "redis")

    async def _restart_livekit(self, plan: FaultPlan) -> None:
        self._note(plan, self._talking(), disturbs=True, house_wide=True)
        child = self.house.children["livekit"]
        servers = psutil.Process(child.pid).children()
        with self.house.held("livekit"):
            self.house.kill("livekit", with_children=True)
            await asyncio.to_thread(child.process.wait)
            # Until it has gone as well, its ports are not free.
            await asyncio.to_thread(psutil.wait_procs, servers)
        await asyncio.to_thread(self.house.wait_until_ready, "livekit")

    async def _meddle(self, plan: FaultPlan) -> None:
        url = self.house.settings.redis_url
        queue = QUEUES[plan.pick % 4 == 0]
        message = await asyncio.to_thread(take_message, url, queue)
        if message is None:
            return
        self._note(plan, house_wide=True, note=queue)
        if plan.kind is Kind.MESSAGE_DOUBLED:
            await asyncio.to_thread(give_back, url, queue, message, times=2)
        elif plan.kind is Kind.MESSAGE_DELAYED:
            least, most = _LATE_SECONDS
            seconds = least + plan.strength * (most - least)
            self._after(seconds, lambda: give_back(url, queue, message))

    def _note(
        self,
        plan: FaultPlan,
        hit: Sequence[Call] = (),
        *,
        disturbs: bool = False,
        house_wide: bool = False,
        note: str = "",
    ) -> None:
        """Write down what happens now, and have everybody whom it may concern be heard again."""
        at = time.time()
        for call in hit:
            call.troubled_at = at
            if disturbs:
                call.lost_agent_at = at
        ids = frozenset(call.session_id for call in hit)
        self.done.append(Fault(plan.kind, at, ids, note, disturbs, house_wide))

    def _after(self, seconds: float, work: Callable[[], None]) -> None:
        async def later() -> None:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(work)

        task = asyncio.create_task(later())
        self._later.add(task)

    def _talking(self) -> list[Call]:
        return [call for call in self.calls() if call.talking]

    def _until_both_workers_serve(self) -> None:
        """Wait for the worker that was killed before: one machine goes at a time."""
        eventually(lambda: all(map(self.house.worker_serves, "ab")), 240, "both workers serve")

    def _agent(self, pick: int) -> tuple[Call, int] | None:
        """Return a call that goes on and the process of its agent."""
        talking = self._talking()
        for turn in range(len(talking)):
            call = talking[(pick + turn) % len(talking)]
            pid = self._read(SessionKeys.of(call.session_id).pid)
            if pid:
                return call, int(pid)
        return None

    def _calls_of(self, worker: str) -> list[Call]:
        """Return the calls whose agents are a worker's children."""
        return [
            call
            for call in self._talking()
            if self._read(SessionKeys.of(call.session_id).session, "worker") == worker
        ]

    def _read(self, key: str, name: str | None = None) -> str | None:
        redis = self.house.context.redis
        with contextlib.suppress(RedisError):
            return cast("str | None", redis.hget(key, name) if name else redis.get(key))
        return None


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
