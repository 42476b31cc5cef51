"""Redis, a worker and LiveKit have each been asked about a session: do they agree?

A decision, nothing more. Each is asked at another moment, so one disagreement alone means nothing:
see ``looking``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sessions.counters import Drift
from sessions.fleet import WorkerRecord
from sessions.models import Session
from sessions.rooms import AGENT_IDENTITY
from sessions.settings import Settings
from sessions.states import Channel, State
from workers.owner import Owner

if TYPE_CHECKING:
    from agents.voice.rooms import RoomSeen

NO_LEASE = -2
_NO_TTL = -1
"""What Redis's PTTL answers for a key that is not there, and for one that stays for ever."""

_REPORTED_SINCE_MS = 1000
"""A worker's record counts if it is newer than the claim by so much."""

_TALKING = {State.STARTING, State.READY, State.RECOVERING}


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the three say of one session.

    ``lease`` is for how long its lease still lives (ms); while LiveKit is away, no ``rooms_known``.
    """

    session_id: str
    session: Session | None
    lease: int
    room: RoomSeen | None
    rooms_known: bool

    @property
    def agents(self) -> frozenset[str]:
        """Return the identities of the agents in the room."""
        return self.room.agents if self.room else frozenset()


def compare(
    seen: Sighting, workers: Mapping[str, WorkerRecord], settings: Settings
) -> Drift | None:
    """Return what is out of order with a session, if anything is."""
    session = seen.session
    if session is None:
        if seen.room is None:
            return None
        return Drift.AGENT_WITHOUT_SESSION if seen.agents else Drift.ROOM_WITHOUT_SESSION
    if session.channel is not Channel.VOICE:
        return None
    if _has_agent(session):
        if seen.lease != NO_LEASE and _process_is_gone(session, seen.lease, workers, settings):
            return Drift.LEASE_WITHOUT_PROCESS
        missing = seen.rooms_known and AGENT_IDENTITY not in seen.agents
        if missing and session.state is State.READY:
            return Drift.SESSION_WITHOUT_AGENT
    return Drift.TWO_AGENTS if {AGENT_IDENTITY} < seen.agents else None


def _has_agent(session: Session) -> bool:
    """Tell whether the session has been claimed by an agent that has neither left nor been lost."""
    claimed = session.owned_generation == session.generation
    return claimed and session.state in _TALKING and bool(session.owner)


def _process_is_gone(
    session: Session, lease: int, workers: Mapping[str, WorkerRecord], settings: Settings
) -> bool:
    owner = Owner.parse(session.owner)
    worker = workers.get(session.worker)
    if owner is None or (worker and _lists(worker, session, owner)):
        return False
    if lease == _NO_TTL or lease > settings.lease_seconds * 1000:
        return True  # A process that lives would have renewed it, and not for so long.
    silent = lease < (settings.lease_seconds - 2 * settings.lease_renew_seconds) * 1000
    # A child that has outlived its worker is none that the next worker of that name would list.
    return (
        silent
        and worker is not None
        and (worker.host, worker.boot_id) == (owner.host, owner.boot_id)
        and 0 < worker.started <= owner.started
        and worker.heartbeat > session.claimed_at + _REPORTED_SINCE_MS
    )


def _lists(worker: WorkerRecord, session: Session, owner: Owner) -> bool:
    return any(
        (call.session_id, call.generation, call.pid) == (session.id, session.generation, owner.pid)
        for call in worker.calls
    )
