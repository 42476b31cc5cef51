"""Opening and closing the agent's ears."""

from __future__ import annotations

from flask import Blueprint, Response, request

from orchestrator.access.auth import authenticate_request, principal
from orchestrator.http.answers import ListeningAnswer
from orchestrator.http.bodies import read_body
from orchestrator.http.operations import Operation, documented
from orchestrator.http.replies import remember, reply
from orchestrator.reading import lookup
from orchestrator.reading.confirming import tell_to_listen
from orchestrator.services import services
from sessions.errors import SessionOverError, WrongChannelError
from sessions.listening import ListeningRequest
from sessions.models import Session
from sessions.states import Channel

blueprint = Blueprint("listening", __name__, url_prefix="/listening")
blueprint.before_request(authenticate_request)


def _operation(summary: str) -> Operation:
    return Operation(
        summary,
        "listening",
        {200: ListeningAnswer},
        problems=(404, 409, 410, 504),
        body=ListeningRequest,
        answer_headers=("X-Session-ID",),
    )


@blueprint.post("/start")
@documented(_operation("Open the agent's ears"))
def start() -> Response:
    """Have the agent hear the caller; asking twice changes nothing."""
    return _listen(on=True)


@blueprint.post("/stop")
@documented(_operation("Close the agent's ears"))
def stop() -> Response:
    """Have the agent hear nothing; asking twice changes nothing."""
    return _listen(on=False)


def _listen(*, on: bool) -> Response:
    house = services()
    reference = read_body(request, ListeningRequest).session_id
    session = lookup.find(house, principal(), reference)
    remember(session.id, session.generation)
    if not isinstance(session, Session):
        raise SessionOverError(f"The session {session.id} has ended.")
    if session.channel is not Channel.VOICE:
        raise WrongChannelError("A text session has no agent that listens.")
    tell_to_listen(house, session.id, on=on)
    return reply(ListeningAnswer(session_id=session.id, listening=on), session.id)
