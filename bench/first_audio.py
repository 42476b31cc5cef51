"""How long after asking for a session does a caller hear its agent?"""

from __future__ import annotations

import asyncio
import time

import httpx

from bench.house import end_call
from bench.measuring import Goal, Row, median, percentile
from bench.rooms import bare
from tests.fixtures.house import House
from tests.support.caller import calling

ROUNDS = 20
HOW = (
    f"{ROUNDS} rounds, a bare join and a call taking turns. From just before `POST "
    "/orchestrator/session/start` on a connection that is open already, through joining with the "
    "token of the answer, to the first sample above the codec's noise."
)


def measure(house: House) -> list[Row]:
    """Measure calls and bare joins, taking turns."""
    return asyncio.run(_measure(house))


async def _measure(house: House) -> list[Row]:
    joins: list[float] = []
    calls: list[float] = []
    async with bare(house.settings, "again") as again, httpx.AsyncClient() as http:
        for n in range(-1, ROUNDS):
            joined, called = await again.join(), await _call(house, http)
            if n >= 0:
                joins.append(joined)
                calls.append(called)
    return [
        Row(
            "start request -> first audio, p50",
            "ms",
            median(calls),
            "bare join",
            median(joins),
            Goal(ratio_at_most=5),
        ),
        Row(
            "start request -> first audio, p95",
            "ms",
            percentile(calls, 95),
            "bare join",
            percentile(joins, 95),
        ),
    ]


async def _call(house: House, http: httpx.AsyncClient) -> float:
    started = time.monotonic()
    answer = await http.post(f"{house.url}/orchestrator/session/start", json={"userName": "Ann"})
    call = answer.json()
    async with calling(call) as caller:
        await caller.wait_for_speech()
        took = (caller.last_loud - started) * 1000
    await end_call(house, call["sessionId"])
    return took
