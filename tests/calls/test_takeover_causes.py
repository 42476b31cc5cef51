"""Whatever becomes of an agent, its worker or its host, another goes on; the old one is silent."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from sessions.keys import SessionKeys
from tests.fixtures.house import House, is_registered, send_nudge, session_worker
from tests.support import own_agents
from tests.support.annex import Annex, annex
from tests.support.caller import calling
from tests.support.eventually import eventually
from tests.support.line import Line
from tests.support.processes import Child
from tests.support.speech import Words, understood
from workers.upkeep import reaping

SECOND_WORKER = "sessions@second"
CHANGED: dict[str, Any] = {
    "agents": [f"doomed={own_agents.PREFIX}make_doomed"],
    "idle_timeout_seconds": 60,
    "ending_grace_seconds": 20,
    "recoveries_max": 20,
    "worker_concurrency": 2,
}


@dataclass
class Two:
    """A house with two workers, whose upkeep is done."""

    small: Annex
    second: Child
    inference_url: str


@contextmanager
def upkeep(small: Annex) -> Iterator[None]:
    """Do what beat asks for, often, and have messages reach the workers of this house."""
    over = threading.Event()

    def nudge(session_id: str, generation: int) -> bool:
        send_nudge(small.context.settings, session_id, generation)
        return True

    def run() -> None:
        while not over.wait(0.3):
            small.upkeep()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reaping, "nudge", nudge)
            yield
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="module")
def two(house: House) -> Iterator[Two]:
    with annex(house, **CHANGED) as small:
        redis = small.context.redis
        shared = {name: getattr(small.context.settings, name) for name in ("house", "redis_url")}
        with (
            house.run(
                "second",
                session_worker(SECOND_WORKER),
                lambda: is_registered(redis, SECOND_WORKER),
                **CHANGED,
                **shared,
            ) as second,
            upkeep(small),
        ):
            yield Two(small, second, house.settings.inference_url)


@dataclass
class Call:
    """One call in that house."""

    two: Two
    line: Line

    def pid(self) -> int:
        """Return the process that owns the session now."""
        return int(str(self.two.small.context.redis.get(SessionKeys.of(self.line.session.id).pid)))

    def generation(self) -> int:
        """Return which agent has the session, or is to have it."""
        session = self.two.small.context.directory.load(self.line.session.id)
        return session.generation if session else 0

    async def hears_another(self, generation: int) -> Words:
        """Return what the caller hears of the agent that comes next."""
        await asyncio.to_thread(
            eventually, lambda: self.generation() == generation, 20, "another agent comes"
        )
        return await self.hears(time.monotonic())

    async def hears(self, since: float) -> Words:
        """Return what is heard from a moment to the next pause."""
        caller = self.line.caller
        began = await caller.hears_after(since, within=30)
        ended = await caller.hears_silence_after(began, 1.2)
        samples = caller.hearing.between(began - 0.2, ended + 0.2)
        return await asyncio.to_thread(understood, self.two.inference_url, samples)


@contextmanager
def started(two: Two, **body: Any) -> Iterator[Any]:
    session = two.small.start(openingLine="Hello.", **body)
    try:
        two.small.wait_until_ready(session)
        yield session
    finally:
        two.small.end(session.id)
        two.small.wait_until_archived(session.id)


def dial(two: Two, play: Any, **body: Any) -> None:
    """Call, and let ``play`` have the call once the opening line is over."""
    with started(two, **body) as session:

        async def run() -> None:
            async with calling(two.small.ticket(session)) as caller:
                await caller.wait_for_quiet()
                await play(Call(two, Line(two.small, session, caller)))

        asyncio.run(run())


def test_agent_when_it_dies_of_whatever_then_the_next_one_goes_on(two: Two, tmp_path: Path) -> None:
    file = tmp_path / "doom"

    async def play(call: Call) -> None:
        generation = 1
        for doom in own_agents.DOOMS:
            generation += 1
            file.with_suffix(".new").write_text(doom)
            file.with_suffix(".new").rename(file)
            heard = await call.hears_another(generation)
            assert "cut off" in heard, doom
        room = psutil.Process(call.pid()).memory_info().vms
        resource.prlimit(call.pid(), resource.RLIMIT_AS, (room, room))
        call.line.tell("This sentence takes more memory than there is.")
        assert "cut off" in await call.hears_another(generation + 1)

    dial(two, play, agent="doomed", metadata={"doom": str(file)})


def test_agent_when_frozen_then_its_orders_are_carried_out_and_it_wakes_without_a_sound(
    two: Two,
) -> None:
    async def play(call: Call) -> None:
        old = call.pid()
        os.kill(old, signal.SIGSTOP)
        call.line.tell("Your bicycle is ready to be collected.")
        heard = await call.hears_another(2)
        assert "cut off" in heard
        assert "bicycle is ready" in heard
        woken = time.monotonic()
        os.kill(old, signal.SIGCONT)
        await asyncio.to_thread(eventually, lambda: not psutil.pid_exists(old), 3, "it has left")
        await call.line.caller.stay(2)
        assert call.line.caller.hearing.first_after(woken) is None
        asked = call.line.tell("I am still here.")
        assert "still here" in await call.hears(asked)
        assert call.generation() == 2

    dial(two, play)


def test_worker_when_killed_then_its_calls_die_with_it_and_another_worker_goes_on(
    two: Two,
) -> None:
    async def play(call: Call) -> None:
        agent = psutil.Process(call.pid())
        worker = agent.parent()
        assert worker is not None
        worker.kill()
        await asyncio.to_thread(eventually, lambda: not agent.is_running(), 5, "it dies as well")
        assert "cut off" in await call.hears_another(2)

    dial(two, play)
