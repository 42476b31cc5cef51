"""Calling by WHIP: an offer starts a session and joins it, and its resource is the session."""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import PreconditionFailed, RequestEntityTooLarge, UnsupportedMediaType

from orchestrator.access import tokens
from orchestrator.access.auth import authenticate_request, principal
from orchestrator.ending import end_session
from orchestrator.http.bodies import MAX_BODY_BYTES, read_alias_header
from orchestrator.http.operations import Operation, documented
from orchestrator.http.replies import remember
from orchestrator.reading import lookup
from orchestrator.services import services
from orchestrator.whip import hanging_up
from orchestrator.whip.answering import answer
from orchestrator.whip.calls import find_or_start
from orchestrator.whip.errors import NoConnectionError
from orchestrator.whip.headers import FRAGMENT, OFFER, is_restart, quoted
from orchestrator.whip.media_server import Connected, StaleTagError
from orchestrator.whip.offers import read_fragment, read_offer
from orchestrator.whip.queries import CallQuery
from sessions.errors import SessionOverError
from sessions.models import Session
from sessions.states import State

blueprint = Blueprint("whip", __name__, url_prefix="/whip")
blueprint.before_request(authenticate_request)


@blueprint.post("")
@documented(
    Operation(
        "Call by WHIP",
        "whip",
        {201: OFFER},
        problems=(403, 409, 410, 429, 502, 504),
        body=OFFER,
        query=CallQuery,
        request_headers=("X-Session-ID",),
        answer_headers=(
            *("Location", "X-Session-ID", "X-Session-Token"),
            *("ETag", "Link", "Accept-Patch"),
        ),
    )
)
def call() -> Response:
    """Start a session, wait for its agent, and answer the offer; or join a session anew."""
    house = services()
    offer = read_offer(_content(OFFER))
    alias = read_alias_header(request)
    query = request.args.to_dict()
    found = find_or_start(house, principal(), alias, query, g.correlation_id)
    remember(found.session.id, found.session.generation)
    session, connected = answer(house, found, offer, hanging_up.watch(request.environ))
    response = Response(connected.sdp, 201, content_type=OFFER)
    response.headers["Location"] = f"{request.root_path}{blueprint.url_prefix}/{session.id}"
    response.headers["X-Session-ID"] = session.id
    response.headers["X-Session-Token"] = tokens.sign(session, house.settings)
    response.headers["Accept-Patch"] = FRAGMENT
    return _tagged(response, connected)


@blueprint.patch("/<session:reference>")
@documented(
    Operation(
        "Send ICE candidates, or restart ICE",
        "whip",
        {204: None, 200: FRAGMENT},
        problems=(404, 410, 412, 428, 502),
        body=FRAGMENT,
        request_headers=("If-Match",),
        answer_headers=("X-Session-ID", "ETag"),
    )
)
def change(reference: str) -> Response:
    """Take in further ICE candidates, or begin ICE anew."""
    house = services()
    fragment = read_fragment(_content(FRAGMENT))
    session = _connected(reference)
    try:
        if not is_restart(request, session.whip_tag):
            house.media_server.trickle(session, fragment)
            return _empty(204)
        restarted = house.media_server.restart(session, fragment)
    except StaleTagError as error:
        raise PreconditionFailed("ICE has been restarted since.") from error
    house.store.connect(session.id, restarted.resource, restarted.tag)
    return _tagged(Response(restarted.sdp, 200, content_type=FRAGMENT), restarted)


@blueprint.delete("/<session:reference>")
@documented(
    Operation(
        "Hang up",
        "whip",
        {200: None},
        problems=(400, 404),
        answer_headers=("X-Session-ID",),
    )
)
def hang_up(reference: str) -> Response:
    """End the session; doing it twice changes nothing."""
    house = services()
    session = lookup.find(house, principal(), reference)
    remember(session.id, session.generation)
    if isinstance(session, Session):
        end_session(house, session)
    return _empty(200)


@blueprint.get("")
@documented(Operation("See that calls are taken here", "whip", {204: None}))
def is_here() -> Response:
    """Answer that there is an endpoint, and nothing to read."""
    return _empty(204)


@blueprint.get("/<session:reference>")
@documented(
    Operation(
        "See that there is such a call",
        "whip",
        {204: None},
        problems=(400, 404),
        answer_headers=("X-Session-ID",),
    )
)
def is_there(reference: str) -> Response:
    """Answer that there is such a session, and nothing to read."""
    remember(lookup.find(services(), principal(), reference).id)
    return _empty(204)


@blueprint.after_request
def say_what_is_taken(response: Response) -> Response:
    """Have the answer to OPTIONS tell the content type that is taken here."""
    if request.method == "OPTIONS":
        name = "Accept-Patch" if request.view_args else "Accept-Post"
        response.headers[name] = FRAGMENT if request.view_args else OFFER
    return response


def _content(content_type: str) -> bytes:
    """Return the body, if it is of this type and not too large."""
    if request.mimetype != content_type:
        raise UnsupportedMediaType(f"Send `Content-Type: {content_type}`.")
    content = request.get_data(cache=False)
    if len(content) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    return content


def _connected(reference: str) -> Session:
    """Return the live session of the caller's that ``reference`` means, if it has a connection."""
    session = lookup.find(services(), principal(), reference)
    remember(session.id, session.generation)
    if not isinstance(session, Session) or session.state is State.ENDING:
        raise SessionOverError(f"The session {session.id} has ended.")
    if not session.whip:
        raise NoConnectionError("This session has no connection by WHIP.")
    return session


def _empty(status: int) -> Response:
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response


def _tagged(response: Response, connected: Connected) -> Response:
    if connected.tag:
        response.headers["ETag"] = quoted(connected.tag)
    for link in connected.links:
        response.headers.add("Link", link)
    return response
