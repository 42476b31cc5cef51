"""Do Redis and LiveKit agree with each other? What differs is counted and mended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import cast

import structlog

from sessions import keys
from sessions.counters import Drift
from sessions.ids import is_session_id
from workers.context import Context
from workers.drift import report_mended
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
                    report_mended(context, Drift.ROOM_WITHOUT_SESSION, session_id=name)
    except LiveKitErrors as error:
        log.warning("rooms_not_compared", error=str(error))


def _index_entries_without_session(context: Context) -> None:
    for index in (keys.LIVE, keys.DEADLINES, keys.QUEUE):
        members = cast("Iterator[tuple[str, float]]", context.redis.zscan_iter(index, count=BATCH))
        for batch in batches(member for member, _ in members):
            for session_id, session in zip(batch, context.directory.load_many(batch), strict=True):
                if session is None and context.directory.forget(session_id):
                    report_mended(context, Drift.INDEX_WITHOUT_SESSION, session_id=session_id)
