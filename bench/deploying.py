"""What does a caller notice of a deploy, when a worker is stopped while its agents talk?"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass

from bench.measuring import Goal, Row, median
from sessions.models import Session
from tests.fixtures.house import House
from tests.support.shifts import Call, Shifts, shifts

CALLS = 4
ROUNDS = 2
SPOKEN_SECONDS = 2.0
HOW = (
    f"{ROUNDS} times: {CALLS} agents on one worker tell a story of 40 seconds, all at once, each "
    "to a caller who listens. A second worker is started, as in a rolling deploy, and "
    f"{SPOKEN_SECONDS:g} s into the story the first gets SIGTERM. A silence is the time between "
    "two sounds above the codec's noise at the caller, from the first word to the last, so the "
    "pauses of the story itself count; beside it the longest of those before the SIGTERM. A call "
    "is dropped if it ends, if its caller is sent away, or if anything of the story is missing or "
    "told twice."
)

_STORY = (
    "Let me tell you all about our club and its bicycles. We were founded by seven friends in a "
    "small garage near the river. Every bicycle of ours has a name and a history of its own. You "
    "can borrow one of them for an hour or for a whole week. On Mondays we clean the chains and "
    "oil the wheels together. On Wednesdays we teach children how to mend a flat tyre. Our "
    "longest tour goes along the coast and takes four days. In winter we sit by the stove and "
    "plan the next summer. Members pay thirty euros a year and may bring a guest. If you want to "
    "join us, just come by any evening after six."
)
_LISTENS_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one caller has noticed, in milliseconds."""

    silence: float
    before: float
    dropped: bool


def measure(house: House) -> list[Row]:
    """Deploy a few times in the middle of calls."""
    heard: list[_Heard] = []
    gone: list[float] = []
    with shifts(house, worker_concurrency=CALLS, join_timeout_seconds=120) as workers:
        for _ in range(ROUNDS):
            sessions = [workers.start(openingLine=_STORY) for _ in range(CALLS)]
            noticed, seconds = asyncio.run(_deploy(workers, sessions))
            heard += noticed
            gone.append(seconds)
    silences = [one.silence for one in heard]
    name = "deploy with two workers"
    return [
        Row(
            f"{name}, calls dropped",
            "calls",
            sum(one.dropped for one in heard),
            goal=Goal(at_most=0),
        ),
        Row(f"{name}, longest silence", "ms", max(silences), goal=Goal(at_most=1500)),
        Row(f"{name}, longest silence of a call, p50", "ms", median(silences)),
        Row(f"{name}, longest pause of the story before", "ms", max(one.before for one in heard)),
        Row(f"{name}, SIGTERM -> worker gone", "s", max(gone)),
    ]


async def _deploy(workers: Shifts, sessions: list[Session]) -> tuple[list[_Heard], float]:
    """Stop a worker while its agents talk; return what callers noticed, and how long it took."""
    before = await asyncio.to_thread(workers.relieve)
    async with contextlib.AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(workers.call(one)) for one in sessions]
        began = [await line.caller.hears_after(0) for line in lines]
        await asyncio.sleep(SPOKEN_SECONDS)
        stopped = time.monotonic()
        before.process.terminate()
        await asyncio.to_thread(before.process.wait, _LISTENS_SECONDS)
        seconds = time.monotonic() - stopped
        noticed = await asyncio.gather(
            *(_listen(line, since, stopped) for line, since in zip(lines, began, strict=True))
        )
        for line in lines:
            await line.end()
    return noticed, seconds


async def _listen(line: Call, began: float, stopped: float) -> _Heard:
    caller = line.caller
    ended = await caller.hears_silence_after(time.monotonic(), pause=4.0, within=_LISTENS_SECONDS)
    whole = " ".join(line.said("agent")) == _STORY
    there = line.small.is_ready(line.session.id) and caller.room.isconnected()
    return _Heard(
        silence=line.longest_silence(began, ended) * 1000,
        before=line.longest_silence(began, stopped) * 1000,
        dropped=not (whole and there),
    )
