"""Do Redis and LiveKit agree with each other? What differs is counted and mended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import cast

import structlog

from sessions import keys
from sessions.counters import count_drift
from sessions.ids import is_session_id
from workers.context import Context
from workers.upkeep.batching import BATCH, batches

log = structlog.get_logger(__name__)


def reconcile(context: Context) -> None:
    """Compare and mend."""
    _rooms_without_session(context)
    _index_entries_without_session(context)


def _rooms_without_session(context: Context) -> None:
    from agents.voice.rooms import LiveKitErrors, delete_room, room_names

    try:
        rooms = [name for name in asyncio.run(room_names(context.settings)) if is_session_id(name)]
        for batch in batches(iter(rooms)):
            for name, session in zip(batch, context.directory.load_many(batch), strict=True):
                if session is None and asyncio.run(delete_room(context.settings, name)):
                    _count(context, "room_without_session", name)
    except LiveKitErrors as error:
        log.warning("rooms_not_compared", error=str(error))


def _index_entries_without_session(context: Context) -> None:
    for index in (keys.LIVE, keys.DEADLINES, keys.QUEUE):
        members = cast("Iterator[tuple[str, float]]", context.redis.zscan_iter(index, count=BATCH))
        for batch in batches(member for member, _ in members):
            for session_id, session in zip(batch, context.directory.load_many(batch), strict=True):
                if session is None and context.directory.forget(session_id):
                    _count(context, "index_without_session", session_id)


def _count(context: Context, kind: str, session_id: str) -> None:
    count_drift(context.redis, kind)
    log.warning("drift_mended", kind=kind, session_id=session_id)
