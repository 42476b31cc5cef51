"""How does an agent go on while Redis is away? It asks again until there is an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import structlog

from sessions.connections import REDIS_AWAY

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

RETRY_PAUSE_SECONDS = 0.5


async def until_redis_answers(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what ``call`` returns, run in a thread, as often as Redis is away.

    Raises what ``call`` raises for any other reason.
    """
    while True:
        try:
            return await asyncio.to_thread(call, *args, **kwargs)
        except REDIS_AWAY as error:
            log.warning("redis_away", call=getattr(call, "__name__", "?"), error=str(error))
            await asyncio.sleep(RETRY_PAUSE_SECONDS)
