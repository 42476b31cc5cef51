"""Do the indexes list every session, and nothing else? What differs is counted and mended.

Limits, the queue and the reaper go by the indexes, so a wrong one costs somebody a call.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from sessions import keys
from sessions.counters import Drift
from sessions.logs import about
from workers.context import Context
from workers.drift import report_mended
from workers.upkeep.batching import BATCH, batches
from workers.upkeep.walking import walk_index, walk_keys

Entry = tuple[str, float]

_KEY_STEPS = 100
_ENTRY_STEPS = 20
_HOUSE_INDEXES = (keys.LIVE, keys.DEADLINES, keys.QUEUE, keys.STATES)


def mend_indexes(context: Context) -> None:
    """Look through a piece of the sessions and of the indexes, and mend what differs."""
    for names in walk_keys(context.redis, _KEY_STEPS):
        _sessions_in_no_index(context, names)
        for name in filter(keys.is_owner_index, names):
            entries = cast("Iterator[Entry]", context.redis.zscan_iter(name, count=BATCH))
            for members in batches(member for member, _ in entries):
                _entries_without_session(context, (name,), members)
    for index in _HOUSE_INDEXES:
        for members in walk_index(context.redis, index, _ENTRY_STEPS, "entries"):
            _entries_without_session(context, _HOUSE_INDEXES, members)


def _sessions_in_no_index(context: Context, names: list[str]) -> None:
    ids = [session_id for name in names if (session_id := keys.session_of_hash(name))]
    for session in filter(None, context.directory.load_many(ids)):
        if off := context.store.reindex(session.id):
            with about(session):
                report_mended(context, Drift.COUNT_OFF, places=off)


def _entries_without_session(
    context: Context, indexes: tuple[str, ...], members: list[str]
) -> None:
    sessions = context.directory.load_many(members)
    for member, session in zip(members, sessions, strict=True):
        # An id never comes back, so what is still listed now was listed wrongly.
        if session is None and _remove(context, indexes, member):
            report_mended(context, Drift.INDEX_WITHOUT_SESSION, session_id=member, indexes=indexes)


def _remove(context: Context, indexes: tuple[str, ...], member: str) -> bool:
    with context.redis.pipeline() as pipeline:
        for index in indexes:
            pipeline.zrem(index, member)
        return any(pipeline.execute())
