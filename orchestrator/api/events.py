"""Reading the events of a session without a WebSocket."""

from __future__ import annotations

from flask import Blueprint, Response, request

from orchestrator.access.auth import authenticate_request, principal
from orchestrator.http.answers import EventAnswer, EventsAnswer
from orchestrator.http.bodies import read_query
from orchestrator.http.operations import Operation, documented
from orchestrator.http.queries import EventsQuery
from orchestrator.http.replies import remember, reply
from orchestrator.reading import lookup
from orchestrator.services import services
from sessions.errors import SessionOverError
from sessions.models import Session

blueprint = Blueprint("events", __name__, url_prefix="/orchestrator")
blueprint.before_request(authenticate_request)


@blueprint.get("/session/<session:reference>/events")
@documented(
    Operation(
        "Read a session's events",
        "sessions",
        {200: EventsAnswer},
        problems=(400, 404, 410),
        query=EventsQuery,
        answer_headers=("X-Session-ID",),
    )
)
def events(reference: str) -> Response:
    """Read the events of a session."""
    house = services()
    query = read_query(request, EventsQuery)
    session = lookup.find(house, principal(), reference)
    remember(session.id, session.generation)
    found = house.events.read(session.id, query.since, query.limit)
    if not found and not isinstance(session, Session) and not house.events.exists(session.id):
        raise SessionOverError(
            "The session has ended and its events are no longer kept; its transcript is at "
            f"/orchestrator/session/{session.id}."
        )
    answer = EventsAnswer(
        events=[EventAnswer.model_validate(event.to_json()) for event in found],
        last_id=found[-1].id if found else query.since,
    )
    return reply(answer, session.id)
