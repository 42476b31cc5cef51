"""How does a command reach Redis and the database, and what does it say when they are away?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from orchestrator.cli.configuration import without_password

if TYPE_CHECKING:
    from redis import Redis
    from sqlalchemy import Engine

    from sessions.settings import Settings


@contextmanager
def open_redis(settings: Settings) -> Iterator[Redis]:
    """Open Redis for a ``with`` block; what goes wrong there becomes a sentence."""
    from redis.exceptions import RedisError

    from sessions.connections import connect

    try:
        with connect(settings) as client:
            yield client
    except (RedisError, ValueError) as error:
        raise click.ClickException(
            f"Redis at {without_password(settings.redis_url)} does not answer "
            f"({type(error).__name__}): is Switchboard running? `make run` starts it; "
            "SWITCHBOARD_REDIS_URL says where it is."
        ) from None


@contextmanager
def open_engine(settings: Settings) -> Iterator[Engine]:
    """Open the database for a ``with`` block; what goes wrong there becomes a sentence."""
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    from sessions.database import open_database

    where = without_password(settings.database_url)
    try:
        engine = open_database(settings.database_url)
        try:
            yield engine
        finally:
            engine.dispose()
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise click.ClickException(
            f"SWITCHBOARD_DATABASE_URL is no database that can be used here: {error}."
        ) from None
    except (SQLAlchemyError, OSError) as error:
        raise click.ClickException(
            f"The database {where} does not do as asked ({type(error).__name__}). Start it, "
            "run `switchboard migrate`, or set SWITCHBOARD_DATABASE_URL to where it is."
        ) from None
