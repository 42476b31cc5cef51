"""Something is out of order with a session: what is done about it?

Each mending is refused, or finds nothing to do, where somebody else has been quicker.
"""

from __future__ import annotations

import asyncio

import structlog

from sessions.counters import Drift
from sessions.logs import about
from sessions.models import Session
from sessions.outcomes import Refusal
from sessions.rooms import AGENT_IDENTITY
from workers.app import nudge
from workers.context import Context
from workers.drift import report_mended
from workers.upkeep.comparing import Sighting

log = structlog.get_logger(__name__)


def mend(context: Context, kind: Drift, seen: Sighting) -> None:
    """Put in order what is out of order with a session, and count it if it was us who did."""
    from agents.voice.rooms import LiveKitErrors

    with about(seen.session):
        try:
            mended = _mend(context, kind, seen)
        except LiveKitErrors as error:
            log.warning("drift_not_mended", kind=kind, session_id=seen.session_id, error=str(error))
            return
        if mended:
            report_mended(context, kind, session_id=seen.session_id)


def _mend(context: Context, kind: Drift, seen: Sighting) -> bool:
    match kind:
        case Drift.SESSION_WITHOUT_AGENT | Drift.LEASE_WITHOUT_PROCESS if seen.session is not None:
            return _send_another_agent(context, seen.session, kind)
        case Drift.AGENT_WITHOUT_SESSION | Drift.ROOM_WITHOUT_SESSION:
            return _take_room_down(context, seen.session_id)
        case Drift.TWO_AGENTS:
            return _send_strangers_out(context, seen)
        case _:
            return False


def _send_another_agent(context: Context, session: Session, cause: Drift) -> bool:
    generation = context.store.recover(
        session.id, cause, generation=session.generation, unless_leased=False, seen=session
    )
    if isinstance(generation, Refusal):
        return generation.why == "given_up"
    nudge(session.id, generation)
    return True


def _take_room_down(context: Context, session_id: str) -> bool:
    from agents.voice.rooms import delete_room

    return asyncio.run(delete_room(context.settings, session_id))


def _send_strangers_out(context: Context, seen: Sighting) -> bool:
    from agents.voice.rooms import remove_participant

    strangers = sorted(seen.agents - {AGENT_IDENTITY})
    removed = [
        asyncio.run(remove_participant(context.settings, seen.session_id, identity))
        for identity in strangers
    ]
    return any(removed)
