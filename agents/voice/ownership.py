"""Does this agent still own its session, and what is it told to do?"""

from __future__ import annotations

import asyncio

import structlog

from agents.voice.ending import Ender
from agents.voice.patience import RETRY_PAUSE_SECONDS, until_redis_answers
from sessions.connections import REDIS_AWAY, connect_async_blocking
from sessions.control import Command, ControlReader, Order
from sessions.metering import current_meter
from sessions.outcomes import Claim
from sessions.settings import Settings
from sessions.states import State
from sessions.store import SessionStore

log = structlog.get_logger(__name__)

_BLOCK_SECONDS = 5.0


async def keep_lease(claim: Claim, store: SessionStore, settings: Settings, ender: Ender) -> None:
    """Renew the lease from the event loop, so that a loop that hangs loses it.

    What has been used so far goes with it: more than that is not lost with the process.

    Raises:
        StaleGenerationError: another agent owns the session, or it is over.
    """
    session = claim.session
    while True:
        await asyncio.sleep(settings.lease_renew_seconds)
        state = await until_redis_answers(
            store.renew, session.id, session.generation, claim.owner, current_meter().usage
        )
        if state is State.ENDING:
            ender.end(None)


async def obey(
    claim: Claim, settings: Settings, ender: Ender, others: asyncio.Queue[Order]
) -> None:
    """Read the control stream to the order to end, from where the agent before has left it.

    Every other order is put into ``others``. It returns by itself then: the redis client loses a
    cancellation that comes with an answer.
    """
    redis = connect_async_blocking(settings, _BLOCK_SECONDS)
    reader = ControlReader(redis, claim.session.id, claim.at, claim.session.heeded)
    try:
        while True:
            try:
                orders = await reader.wait(_BLOCK_SECONDS)
            except REDIS_AWAY as error:
                log.warning("control_not_read", error=str(error))
                await asyncio.sleep(RETRY_PAUSE_SECONDS)
                continue
            for order in orders:
                if order.command is Command.END:
                    ender.end(None)
                    return
                others.put_nowait(order)
    finally:
        await redis.aclose()
