"""How is a deploy tried? In the small house, whose workers come one after the other."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from sessions.fleet import WorkerRecord
from sessions.models import Session
from tests.fixtures.house import House, is_registered, session_worker
from tests.support.annex import WORKER, Annex, annex
from tests.support.caller import Caller, calling
from tests.support.eventually import eventually
from tests.support.processes import Child


@dataclass
class Call:
    """A call in the small house, from both of its ends."""

    small: Annex
    session: Session
    caller: Caller

    @property
    def now(self) -> Session:
        """Return the session as it is now."""
        session = self.small.context.directory.load(self.session.id)
        assert session is not None
        return session

    def said(self, speaker: str) -> list[str]:
        """Return what one side has said, as the events tell it."""
        told = [e.data for e in self.small.events(self.session.id) if e.type == "transcript"]
        return [data["text"] for data in told if data["final"] and data["speaker"] == speaker]

    def kinds(self) -> list[str]:
        """Return the types of all events."""
        return [event.type for event in self.small.events(self.session.id)]

    async def handed_over(self, within: float = 40.0) -> None:
        """Wait until another agent is ready."""
        await asyncio.to_thread(
            eventually, lambda: "agent_recovered" in self.kinds(), within, "another agent is ready"
        )

    async def end(self) -> None:
        """End the call, and wait until it is in the archive."""
        self.small.end(self.session.id)
        await asyncio.to_thread(self.small.wait_until_archived, self.session.id)

    def longest_silence(self, start: float, end: float) -> float:
        """Return the longest time between two sounds that were heard."""
        loud = [start, *[at for at in self.caller.hearing.loud if start < at < end], end]
        return max(later - earlier for earlier, later in itertools.pairwise(loud))


@dataclass
class Shifts:
    """The small house; ``worker`` is the one that takes calls, called ``name``."""

    house: House
    small: Annex
    stack: ExitStack
    worker: Child
    name: str = WORKER
    earlier: list[Child] = field(default_factory=list[Child])

    def start(self, **body: object) -> Session:
        """Start a session, and wait until its agent can talk."""
        session = self.small.start(voiceId="Craig", **body)
        self.small.wait_until_ready(session)
        return session

    def relieve(self) -> Child:
        """Start the next worker; return the one before, which still has its calls."""
        self.earlier.append(self.worker)
        before, name = self.worker, f"sessions@shift{len(self.earlier)}"
        redis = self.small.context.redis
        run = self.house.run(
            name,
            session_worker(name),
            lambda: is_registered(redis, name),
            **self.small.context.settings.model_dump(),
        )
        self.worker, self.name = self.stack.enter_context(run), name
        return before

    def tidy(self) -> None:
        """End what a test has left, so that its failure is not also that of the next one."""
        for session_id in self.small.context.directory.newest(None, None, 100):
            self.small.end(session_id)
            self.small.wait_until_archived(session_id)
        for worker in self.earlier:
            worker.stop()
        if not self.worker.running or self.record(self.name) is None:
            self.relieve().stop()

    def record(self, name: str) -> WorkerRecord | None:
        """Return what a worker says of itself."""
        alive = self.small.context.fleet.alive()
        return next((one for one in alive if one.name == name), None)

    def alive(self, name: str) -> WorkerRecord:
        """Return what a worker says of itself that must be there."""
        record = self.record(name)
        assert record is not None, f"{name} has gone"
        return record

    def assert_gone(self, worker: Child, name: str) -> None:
        """Wait until a worker has left in good order, with all that it started."""
        assert worker.process.wait(30) == 0, worker.tail()
        assert self.record(name) is None

    @asynccontextmanager
    async def call(self, session: Session, *, microphone: bool = False) -> AsyncIterator[Call]:
        """Call a session that has been started."""
        async with calling(self.small.ticket(session), with_microphone=microphone) as caller:
            yield Call(self.small, session, caller)


@contextmanager
def shifts(house: House, **overrides: object) -> Iterator[Shifts]:
    """Keep a small house whose workers relieve each other."""
    with annex(house, **overrides) as small, ExitStack() as stack:
        yield Shifts(house, small, stack, small.worker)
