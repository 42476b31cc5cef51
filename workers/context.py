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


@cache
def get_context() -> Context:
    """Return the parts of this process."""
    settings = get_settings()
    redis = connect(settings)
    return Context(
        settings, redis, SessionStore(redis, settings), Directory(redis), Fleet(redis, settings)
    )


@cache
def get_archive() -> Archive:
    """Return the archive of this process; the children that run calls never ask for it."""
    return Archive(open_database(get_settings().database_url))
