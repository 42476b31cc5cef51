"""How is a worker tried that must be unlike the others? In a small house of its own.

It has Redis's database 3, one session worker with settings of its own, and upkeep that runs where
the test says so. It bears another name than the big house, whose upkeep so lets its rooms be.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from orchestrator.access import tokens
from sessions.agents import KnownAgents
from sessions.archive import ArchivedSession
from sessions.database import open_database
from sessions.events import Event, EventLog
from sessions.limits import Limits
from sessions.models import Session
from sessions.questions.bases import KnowledgeBases
from sessions.requests import StartRequest, parse
from sessions.starting import Starter
from sessions.states import Reason, State
from sessions.voices import load_voices
from tests.fixtures.house import House, is_registered, send_nudge, session_worker
from tests.support.eventually import eventually
from tests.support.processes import Child
from tests.support.settings import settings_with
from workers.context import Context
from workers.upkeep.queueing import look_after_queue
from workers.upkeep.reaping import reap

WORKER = "sessions@annex"


@dataclass
class Annex:
    """The small house."""

    context: Context
    worker: Child

    def start(self, **body: object) -> Session:
        """Start a session and send its message."""
        context = self.context
        agents = KnownAgents.of(context.settings)
        starter = Starter(
            context.store,
            context.directory,
            context.archive,
            load_voices(),
            agents,
            KnowledgeBases(open_database(context.settings.database_url)),
            context.settings,
        )
        request = parse(StartRequest, {"userName": "Ann", **body})
        session = starter.start(request, "development", limits=Limits()).session
        send_nudge(context.settings, session.id, session.generation)
        return session

    def ticket(self, session: Session) -> dict[str, str]:
        """Return what a caller needs to join the room of a session."""
        settings = self.context.settings
        return {"serverUrl": settings.livekit_url, "token": tokens.sign(session, settings)}

    def end(self, session_id: str) -> None:
        """End a session as its user does."""
        self.context.store.begin_ending(session_id, Reason.ENDED_BY_API)

    def events(self, session_id: str) -> list[Event]:
        """Return the session's event log."""
        return EventLog(self.context.redis).read(session_id)

    def upkeep(self) -> None:
        """Do what beat asks for every two seconds in a big house."""
        reap(self.context)
        look_after_queue(self.context)

    def positions(self, session_id: str) -> list[int]:
        """Do upkeep, and return the places in the queue that a session has been told."""
        self.upkeep()
        events = self.events(session_id)
        return [e.data["position"] for e in events if e.type == "queue_position"]

    def is_ready(self, session_id: str) -> bool:
        """Tell whether a session's agent can talk."""
        session = self.context.directory.load(session_id)
        return session is not None and session.state is State.READY

    def is_queued(self, session_id: str) -> bool:
        """Tell whether a session still waits for an agent."""
        session = self.context.directory.load(session_id)
        return session is not None and session.state is State.QUEUED

    def wait_until_ready(self, session: Session) -> None:
        """Wait until a session's agent can talk."""
        eventually(lambda: self.is_ready(session.id), 40, f"{session.id} is ready")

    def wait_until_archived(self, session_id: str, within: float = 40.0) -> ArchivedSession:
        """Do upkeep until the session has ended, and return what the archive knows of it."""

        def archived() -> ArchivedSession | None:
            self.upkeep()
            return self.context.archive.load(session_id)

        found = eventually(archived, within, f"{session_id} is archived", step=0.2)
        assert found is not None
        return found


@contextmanager
def annex(house: House, **overrides: object) -> Iterator[Annex]:
    """Keep a small house beside ``house``, with these settings changed."""
    address = house.settings.redis_url.rpartition("/")[0]
    changed = {
        "house": "annex",
        "redis_url": f"{address}/3",
        "worker_concurrency": 1,
        **overrides,
    }
    settings = settings_with(**{**house.settings.model_dump(), **changed})
    context = Context.of(settings)
    context.redis.flushdb()
    with house.run(
        "annex", session_worker(WORKER), lambda: is_registered(context.redis, WORKER), **changed
    ) as worker:
        yield Annex(context, worker)
    context.redis.close()
