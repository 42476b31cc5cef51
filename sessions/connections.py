"""How does a process reach Redis, and what does it do when Redis is slow or away?"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from redis import BlockingConnectionPool, Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import (
    ConnectionError,
    MasterDownError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
)
from redis.retry import Retry

from sessions.settings import Settings

REDIS_AWAY = (ConnectionError, TimeoutError, ReadOnlyError, MasterDownError)
"""What a command raises when Redis cannot be reached, is loading, takes no writes, or is about to
fail over."""

_MAX_CONNECTIONS = 64


@contextmanager
def waiting() -> Generator[None]:
    """Wrap a command that blocks: a Redis that fails over sends away whoever waits.

    Raises:
        ConnectionError: it has.
    """
    try:
        yield
    except ResponseError as error:
        if str(error).startswith("UNBLOCKED"):
            raise ConnectionError(str(error)) from error
        raise


def connect(settings: Settings) -> Redis:
    """Return a client for short commands: each gives up after ``redis_timeout_seconds``.

    Whoever finds all connections in use waits a little for one.
    """
    pool = BlockingConnectionPool.from_url(
        settings.redis_url,
        max_connections=_MAX_CONNECTIONS,
        timeout=settings.redis_timeout_seconds / 4,
        decode_responses=True,
        socket_connect_timeout=settings.redis_timeout_seconds / 2,
        socket_timeout=settings.redis_timeout_seconds,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)


def connect_blocking(settings: Settings, longest_block_seconds: float) -> Redis:
    """Return a client for reads that block: its timeout leaves room for the longest of them."""
    return Redis.from_url(
        settings.redis_url,
        decode_responses=True,
        socket_connect_timeout=settings.redis_timeout_seconds,
        socket_timeout=longest_block_seconds + settings.redis_timeout_seconds,
        retry=Retry(NoBackoff(), 0),
    )


def connect_async_blocking(settings: Settings, longest_block_seconds: float) -> AsyncRedis:
    """Return the same for an event loop, where a blocked read can be cancelled."""
    return AsyncRedis.from_url(
        settings.redis_url,
        decode_responses=True,
        socket_connect_timeout=settings.redis_timeout_seconds,
        socket_timeout=longest_block_seconds + settings.redis_timeout_seconds,
        retry=AsyncRetry(NoBackoff(), 0),
    )
