"""Who waits for an agent, as far as the caller may know, and for how long still?"""

from __future__ import annotations

from orchestrator.http.answers import PlaceAnswer, QueueAnswer, WaitingAnswer
from orchestrator.services import Services
from sessions.models import Session
from sessions.settings import MAX_QUEUE_SECONDS
from sessions.states import State

_LOOKED_AT = 2000
"""Sessions of one key that are looked at, the newest first: nobody waits longer than an hour."""


def place_of(house: Services, session: Session) -> PlaceAnswer | None:
    """Return where a session stands in the queue now, if it waits."""
    if session.state is not State.QUEUED:
        return None
    position = house.directory.positions([session.id])[0]
    return None if position is None else place_at(house, session, position)


def place_at(house: Services, session: Session, position: int) -> PlaceAnswer:
    """Return what is to be said of a session that stands at ``position``."""
    return PlaceAnswer(
        position=position,
        estimated_wait_ms=house.outlooks.recent().wait(position),
        priority=session.priority,
        since=session.accepted,
        expires_at=session.queue_until,
    )


def list_queue(house: Services, scope: str | None, limit: int) -> QueueAnswer:
    """Return who of ``scope`` (``None``: of all) waits, the next one first."""
    if scope is None:
        length, found = house.directory.queue_length(), enumerate(house.directory.queue(limit), 1)
        places = [(position, session_id) for position, session_id in found]
    else:
        places = _places_of(house, scope)
        length = len(places)
    sessions = house.directory.load_many([session_id for _, session_id in places[:limit]])
    waiting = [
        WaitingAnswer(
            session_id=session.id,
            user_name=session.user_name,
            **place_at(house, session, position).model_dump(),
        )
        for (position, _), session in zip(places, sessions, strict=False)
        if session and session.state is State.QUEUED
    ]
    return QueueAnswer(length=length, waiting=waiting)


def _places_of(house: Services, scope: str) -> list[tuple[int, str]]:
    since = house.store.now() - MAX_QUEUE_SECONDS * 1000
    own = house.directory.newest(scope, None, _LOOKED_AT, since=since)
    positions = house.directory.positions(own)
    return sorted((p, id_) for p, id_ in zip(positions, own, strict=True) if p is not None)
