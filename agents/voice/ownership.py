"""Does this agent still own its session, and what is it told to do?"""

from __future__ import annotations

import asyncio

import structlog
from redis.exceptions import RedisError

from agents.voice.ending import Ender
from sessions.connections import connect_async_blocking
from sessions.control import Command, ControlReader
from sessions.outcomes import Claim
from sessions.settings import Settings
from sessions.states import State
from sessions.store import SessionStore

log = structlog.get_logger(__name__)

_BLOCK_SECONDS = 5.0
_RETRY_PAUSE_SECONDS = 0.5


async def keep_lease(claim: Claim, store: SessionStore, settings: Settings, ender: Ender) -> None:
    """Renew the lease from the event loop, so that a loop that hangs loses it.

    Raises:
        StaleGenerationError: another agent owns the session, or it is over.
    """
    session = claim.session
    pause = settings.lease_renew_seconds
    while True:
        await asyncio.sleep(pause)
        try:
            state = await asyncio.to_thread(
                store.renew, session.id, session.generation, claim.owner
            )
        except RedisError as error:
            log.warning("lease_not_renewed", error=str(error))
            pause = _RETRY_PAUSE_SECONDS
            continue
        pause = settings.lease_renew_seconds
        if state is State.ENDING:
            ender.end(None)


async def obey(claim: Claim, settings: Settings, ender: Ender) -> None:
    """Do what the control stream says, from the moment of the claim on."""
    redis = connect_async_blocking(settings, _BLOCK_SECONDS)
    reader = ControlReader(redis, claim.session.id, claim.at)
    try:
        while True:
            try:
                orders = await reader.wait(_BLOCK_SECONDS)
            except RedisError as error:
                log.warning("control_not_read", error=str(error))
                await asyncio.sleep(_RETRY_PAUSE_SECONDS)
                continue
            for order in orders:
                if order.command is Command.END:
                    ender.end(None)
    finally:
        await redis.aclose()
