"""How does the front end a session?"""

from __future__ import annotations

from orchestrator.services import Services
from sessions.models import Session
from sessions.states import Reason
from workers.app import request_finish


def end_session(
    house: Services,
    session: Session,
    reason: Reason = Reason.ENDED_BY_API,
    *,
    detail: str | None = None,
) -> None:
    """Begin a session's end, unless it is ending; its agent, if it has one, does the rest."""
    refusal = house.store.begin_ending(session.id, reason, detail=detail)
    if refusal is None and not any(house.directory.leased([session.id])):
        request_finish(session.id)
