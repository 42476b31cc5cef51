"""What does a worker process need to work on sessions? One of each, made when first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from redis import Redis
from sqlalchemy import Engine

from sessions.archive import Archive
from sessions.connections import connect
from sessions.database import open_database
from sessions.directory import Directory
from sessions.figures import Figures
from sessions.fleet import Fleet
from sessions.pulse import Pulse
from sessions.questions.desk import Desk
from sessions.settings import Settings, get_settings
from sessions.store import SessionStore
from sessions.webhooks.deliveries import Deliveries
from sessions.webhooks.endpoints import Endpoints


@dataclass(frozen=True)
class Context:
    """The parts that tasks share."""

    settings: Settings
    redis: Redis
    store: SessionStore
    directory: Directory
    fleet: Fleet
    pulse: Pulse
    desk: Desk

    @classmethod
    def of(cls, settings: Settings) -> Context:
        """Make the parts for these settings."""
        redis = connect(settings)
        store, directory = SessionStore(redis, settings), Directory(redis)
        fleet, pulse = Fleet(redis, settings), Pulse(redis, settings)
        desk = Desk(redis, settings)
        return cls(settings, redis, store, directory, fleet, pulse, desk)

    @property
    def archive(self) -> Archive:
        """Return the archive; the children that run calls never ask for it."""
        return Archive(self._engine)

    @property
    def endpoints(self) -> Endpoints:
        """Return who is told of sessions by webhook; for upkeep as well."""
        return Endpoints(self._engine)

    @property
    def deliveries(self) -> Deliveries:
        """Return what they are told."""
        return Deliveries(self._engine, self.settings)

    @property
    def figures(self) -> Figures:
        """Return the figures of the house."""
        return Figures(self.redis)

    @property
    def _engine(self) -> Engine:
        return _database_at(self.settings.database_url)


@cache
def get_context() -> Context:
    """Return the parts of this process."""
    return Context.of(get_settings())


@cache
def _database_at(database_url: str) -> Engine:
    return open_database(database_url)
