"""What does a worker process need to work on sessions? One of each, made when first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from redis import Redis

from sessions.archive import Archive
from sessions.connections import connect
from sessions.database import open_database
from sessions.directory import Directory
from sessions.fleet import Fleet
from sessions.questions.desk import Desk
from sessions.settings import Settings, get_settings
from sessions.store import SessionStore


@dataclass(frozen=True)
class Context:
    """The parts that tasks share."""

    settings: Settings
    redis: Redis
    store: SessionStore
    directory: Directory
    fleet: Fleet
    desk: Desk

    @classmethod
    def of(cls, settings: Settings) -> Context:
        """Make the parts for these settings."""
        redis = connect(settings)
        store, directory = SessionStore(redis, settings), Directory(redis)
        fleet, desk = Fleet(redis, settings), Desk(redis, settings)
        return cls(settings, redis, store, directory, fleet, desk)

    @property
    def archive(self) -> Archive:
        """Return the archive; the children that run calls never ask for it."""
        return _archive_at(self.settings.database_url)


@cache
def get_context() -> Context:
    """Return the parts of this process."""
    return Context.of(get_settings())


@cache
def _archive_at(database_url: str) -> Archive:
    return Archive(open_database(database_url))
