"""Does what Redis, the workers and LiveKit say of a session hold together? If not, it is mended.

Nothing is mended that is not out of order in the same way a while later: a call that changes while
it is looked at is no drift. And the mending itself is refused if the session has moved on since.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import structlog

from sessions.counters import Drift
from sessions.keys import SessionKeys
from sessions.models import Session
from workers.context import Context
from workers.upkeep.batching import batches
from workers.upkeep.comparing import Sighting, compare
from workers.upkeep.mending import mend

if TYPE_CHECKING:
    from agents.voice.rooms import RoomSeen

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is out of order with a session."""

    kind: Drift
    seen: Sighting

    def confirms(self, earlier: Finding) -> bool:
        """Tell whether nothing has moved since ``earlier``."""
        return (self.kind, _marks(self.seen.session)) == (
            earlier.kind,
            _marks(earlier.seen.session),
        )


def look_at(context: Context, session_ids: Iterable[str], pause: float) -> None:
    """Look at sessions, after ``pause`` seconds again at what is out of order, and mend it."""
    first = {found.seen.session_id: found for found in _examine(context, session_ids)}
    if not first:
        return
    time.sleep(pause)
    for found in _examine(context, first):
        if found.confirms(first[found.seen.session_id]):
            mend(context, found.kind, found.seen)


def _examine(context: Context, session_ids: Iterable[str]) -> list[Finding]:
    workers = {worker.name: worker for worker in context.fleet.alive()}
    findings: list[Finding] = []
    for batch in batches(iter(session_ids)):
        for seen in _sight(context, batch):
            kind = compare(seen, workers, context.settings)
            if kind is not None:
                findings.append(Finding(kind, seen))
    return findings


def _sight(context: Context, ids: Sequence[str]) -> list[Sighting]:
    sessions = context.directory.load_many(ids)
    leases = _leases(context, ids)
    rooms = _rooms(context, ids)
    return [
        Sighting(id_, session, lease, (rooms or {}).get(id_), rooms is not None)
        for id_, session, lease in zip(ids, sessions, leases, strict=True)
    ]


def _leases(context: Context, ids: Sequence[str]) -> list[int]:
    with context.redis.pipeline(transaction=False) as pipeline:
        for session_id in ids:
            pipeline.pttl(SessionKeys.of(session_id).lease)
        return cast("list[int]", pipeline.execute())


def _rooms(context: Context, ids: Sequence[str]) -> dict[str, RoomSeen] | None:
    """Return the rooms that are there, or ``None`` while LiveKit is away."""
    from agents.voice.rooms import LiveKitErrors, look_into

    try:
        return asyncio.run(look_into(context.settings, ids))
    except LiveKitErrors as error:
        log.warning("rooms_not_compared", error=str(error))
        return None


def _marks(session: Session | None) -> object:
    return session and (session.state, session.generation, session.owned_generation, session.owner)
