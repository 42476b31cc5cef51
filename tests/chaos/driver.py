"""How is a run driven, from the first start to the last proof?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import aiohttp

from tests.chaos.calls import QUESTION, Call
from tests.chaos.faults import Fault, Faults
from tests.chaos.house import ChaosHouse
from tests.chaos.leftovers import descriptors, leftovers
from tests.chaos.plan import Kind, Leave, plan_calls, plan_faults
from tests.chaos.proofs import LOST, Failure, prove
from tests.chaos.report import Run
from tests.support.speech import spoken

AT_ONCE = 8
_WARM_UP_CALLS = 2
_LINGERING = 4
"""Calls whose callers have gone without a goodbye, and whose agents wait for them."""

_END_SECONDS = 90.0

Tell = Callable[[str], None]


async def drive(
    house: ChaosHouse, seed: int, count: int, tell: Tell, at_once: int = AT_ONCE
) -> Run:
    """Let ``count`` callers call an open house while things go wrong, and prove what came of it."""
    began = time.time()
    plans = plan_calls(seed, count)
    question = await asyncio.to_thread(spoken, house.settings.inference_url, QUESTION)
    unlimited = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=unlimited) as http:
        calls = [Call(plan, house, http, question) for plan in plans]
        await _take_turns(calls[:_WARM_UP_CALLS], at_once, tell)
        if lost := [call.lost for call in calls[:_WARM_UP_CALLS] if call.lost]:
            raise RuntimeError(f"The house does not even work undisturbed: {lost[0]}")
        levels = descriptors(house)
        under_way: list[Call] = []
        faults = Faults(house, lambda: under_way)
        # A run in which trouble stops by itself proves nothing, and fails at once.
        async with asyncio.TaskGroup() as group:
            trouble = group.create_task(_make_trouble(faults, seed, tell))
            await _take_turns(calls[_WARM_UP_CALLS:], at_once, tell, under_way)
            trouble.cancel()
        await faults.settle()
        tell("All callers have gone; waiting for every session to end")
        over = await asyncio.gather(*(call.over(_END_SECONDS) for call in calls))
    failures = [
        Failure(LOST, call.session_id, f"it did not end within {_END_SECONDS:.0f} s")
        for call, ended in zip(calls, over, strict=True)
        if not ended
    ]
    tell("Proving")
    failures += await prove(house, calls)
    failures += await leftovers(house, levels)
    cuts = [c for c in calls if c.plan.leave is Leave.CUT and c.cut_at is not None]
    done = [*faults.done, *(_cut(call) for call in cuts)]
    return Run(seed, calls, sorted(done, key=lambda f: f.at), failures, time.time() - began)


def _cut(call: Call) -> Fault:
    return Fault(Kind.CALLER_CUT, call.cut_at or 0.0, frozenset({call.session_id}))


async def _take_turns(
    calls: Sequence[Call], at_once: int, tell: Tell, under_way: list[Call] | None = None
) -> None:
    """Let so many callers call at once; who has gone makes room for the next."""
    waiting = iter(calls)
    under_way = under_way if under_way is not None else []
    done = 0

    async def one_after_the_other() -> None:
        nonlocal done
        for call in waiting:
            under_way.append(call)
            try:
                await call.run()
            finally:
                under_way.remove(call)
            done += 1
            if call.lost:
                tell(f"call {call.plan.number} {call.session_id}: {call.lost}")
            if done % 50 == 0:
                tell(f"{done} of {len(calls)} calls")

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(one_after_the_other())


async def _make_trouble(faults: Faults, seed: int, tell: Tell) -> None:
    for plan in plan_faults(seed):
        await asyncio.sleep(plan.gap)
        before = len(faults.done)
        # A fault that was begun is done to its end: nothing may stay frozen or switched off.
        await asyncio.shield(faults.do(plan))
        for fault in faults.done[before:]:
            tell(f"{fault.kind} {fault.note} ({len(fault.hit)} calls)")


def fresh_house(folder: Path, seed: int, at_once: int = AT_ONCE) -> ChaosHouse:
    """Return a house that is not open yet; either of its session workers could do alone."""
    run = f"chaos-{seed}-{time.time_ns()}"
    return ChaosHouse(folder, run, worker_concurrency=at_once + _LINGERING)
