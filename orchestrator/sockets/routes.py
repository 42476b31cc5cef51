"""``GET /ws/<session id or alias>``: who may follow a session, and from where?

flask-sock shakes hands before it calls the view, so all of this is asked before the request is
dispatched: whoever is turned away gets a plain HTTP problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from flask import Blueprint, Flask, current_app, g, request
from flask_sock import Sock
from simple_websocket import Server
from werkzeug.exceptions import BadRequest

from orchestrator.access.auth import authenticate
from orchestrator.access.cors import check_origin
from orchestrator.chatting.opening import session_for
from orchestrator.health.metrics import figures_of
from orchestrator.http.replies import remember
from orchestrator.reading.lookup import AnySession
from orchestrator.services import Services, services, services_of
from orchestrator.sockets.chatter import Chatter
from orchestrator.sockets.conversation import Conversation, Ticket
from orchestrator.sockets.door import Door
from orchestrator.sockets.hub import PATIENCE_SECONDS, Hub
from orchestrator.sockets.messages import MAX_MESSAGE
from orchestrator.sockets.pace import Pace
from orchestrator.sockets.roster import Roster
from orchestrator.sockets.transport import Transport
from sessions.connections import connect_blocking
from sessions.errors import SessionOverError
from sessions.events import BEGINNING, check_event_id
from sessions.models import Session
from sessions.states import State

EXTENSION = "switchboard_sockets"
_PING_SECONDS = 25
_VERSION = "13"

blueprint = Blueprint("sockets", __name__)
_sock = Sock()


@dataclass(frozen=True, slots=True)
class Sockets:
    """What the sockets of a web process share."""

    roster: Roster
    hub: Hub
    door: Door


def register(app: Flask) -> None:
    """Give ``app`` its sockets."""
    house = services_of(app)
    settings = house.settings
    app.extensions[EXTENSION] = Sockets(
        Roster(settings.socket_queue, settings.sockets_per_session),
        Hub(house.redis, house.events, lambda: connect_blocking(settings, PATIENCE_SECONDS)),
        Door(),
    )
    app.config["SOCK_SERVER_OPTIONS"] = {
        "ping_interval": _PING_SECONDS,
        "max_message_size": MAX_MESSAGE,
    }
    app.register_blueprint(blueprint)


def sockets_of(app: Flask) -> Sockets:
    """Return the sockets of ``app``."""
    return cast("Sockets", app.extensions[EXTENSION])


@blueprint.before_request
def _admit() -> None:
    _check_handshake()
    check_origin(request, services().settings)
    since = check_event_id(request.args.get("since") or BEGINNING)
    sockets = sockets_of(current_app)
    with sockets.door.passing():
        session, confirmation = _look_up(services(), since)
    remember(session.id, session.generation)
    # From here on nothing may fail: the place is given back when the request is torn down.
    outbox = sockets.roster.admit(session.id)
    figures_of(current_app).tell_sockets(len(sockets.roster))
    transport = Transport(request.environ["gunicorn.socket"])
    request.environ["gunicorn.socket"] = transport
    # Compression would cost 300 KB a socket, and each its own compressing of the same events.
    request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
    is_over = not isinstance(session, Session)
    g.ticket = Ticket(outbox, transport, since, is_over, confirmation)


@blueprint.teardown_request
def _leave(_error: BaseException | None) -> None:
    ticket: Ticket | None = g.pop("ticket", None)
    if ticket is not None:
        roster = sockets_of(current_app).roster
        roster.leave(ticket.outbox)
        figures_of(current_app).tell_sockets(len(roster))


@_sock.route("/ws/<reference>", bp=blueprint)
def _follow(ws: Server, reference: str) -> None:
    sockets, house, ticket = sockets_of(current_app), services(), g.ticket
    chatter = Chatter(house, ticket.outbox.session_id, ticket.transport)
    pace = Pace(house.settings.socket_messages_per_minute)
    Conversation(ws, ticket, house.events, sockets.hub, sockets.door, chatter, pace).hold()


def _check_handshake() -> None:
    """Refuse what simple-websocket would answer with a 500."""
    headers = request.headers
    if "Sec-WebSocket-Key" not in headers or headers.get("Sec-WebSocket-Version") != _VERSION:
        raise BadRequest(f"A WebSocket handshake has a key and version {_VERSION}.")


def _look_up(house: Services, since: str) -> tuple[AnySession, dict[str, Any]]:
    """Return the session that the request may follow, and the first message of its socket."""
    principal = authenticate(request, allow_query_token=True)
    reference = (request.view_args or {})["reference"]
    session = session_for(
        house, principal, reference, request.args.get("user_id"), g.correlation_id
    )
    if not isinstance(session, Session) and not house.events.exists(session.id):
        raise SessionOverError(
            f"The session {session.id} has ended and its events are not kept any longer; "
            f"GET /orchestrator/session/{session.id} has its summary."
        )
    return session, _confirmation(house, session, since)


def _confirmation(house: Services, session: AnySession, since: str) -> dict[str, Any]:
    """Return the first message. It is not in the log; its id is where the replay begins."""
    live = isinstance(session, Session)
    data = {
        "session_id": session.id,
        "aliases": house.directory.aliases(session) if live else house.archive.aliases(session),
        "state": session.state if live else State.ENDED,
        "channel": session.channel,
    }
    return {"id": since, "type": "session_confirmed", "data": data}
