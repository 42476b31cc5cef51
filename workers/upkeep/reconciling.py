"""Do Redis, the workers' processes and LiveKit's rooms agree? What differs is counted and mended.

Whatever else goes wrong, a message lost or a process dead before it could say so, this finds it.
"""

from __future__ import annotations

import asyncio

import structlog

from sessions import keys
from sessions.looks import Looks
from sessions.samples import Samples
from workers.app import request_looks
from workers.context import Context
from workers.upkeep.batching import BATCH
from workers.upkeep.indexes import mend_indexes
from workers.upkeep.looking import look_at
from workers.upkeep.walking import walk_index

log = structlog.get_logger(__name__)

_STEPS = 20
"""So many times a batch: all calls of a house of ten thousand are compared each time."""

_ROUNDS = 20
_REPORTED_PAUSE_SECONDS = 1.0
"""LiveKit itself says that somebody has gone; an agent that connects anew is back by then."""


def reconcile(context: Context) -> None:
    """Compare everything, or of a very large house a piece of it, and mend what differs.

    Going round all day, it is also who samples the figures.
    """
    Samples(context.redis).take(context.store.now())
    mend_indexes(context)
    found = set(_rooms(context))
    for session_ids in walk_index(context.redis, keys.LIVE, _STEPS, "compared"):
        found.update(session_ids)
    look_at(context, sorted(found), context.settings.agent_absence_seconds)


def look_at_reported(context: Context) -> None:
    """Look at the sessions of which LiveKit has reported something, until none waits."""
    looks = Looks(context.redis)
    try:
        for _ in range(_ROUNDS):
            session_ids = looks.take(BATCH)
            if not session_ids:
                break
            look_at(context, session_ids, _REPORTED_PAUSE_SECONDS)
    finally:
        looks.done()
        if looks.is_first():
            # It came while the last ones were looked at.
            request_looks()


def _rooms(context: Context) -> list[str]:
    from agents.voice.rooms import LiveKitErrors, room_names

    try:
        return asyncio.run(room_names(context.settings))
    except LiveKitErrors as error:
        log.warning("rooms_not_compared", error=str(error))
        return []
