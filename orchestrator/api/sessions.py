"""Starting a session, ending it, and looking at it."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from orchestrator.access import tokens
from orchestrator.access.auth import authenticate_request, principal
from orchestrator.ending import end_session
from orchestrator.http.answers import EndAnswer, SessionAnswer, SessionsAnswer, StartAnswer
from orchestrator.http.bodies import read_alias_header, read_body, read_query, read_wait
from orchestrator.http.operations import Operation, documented
from orchestrator.http.queries import SessionsQuery
from orchestrator.http.replies import remember, reply
from orchestrator.reading import lookup, presenting
from orchestrator.reading.listing import list_sessions
from orchestrator.reading.queueing import place_at, place_of
from orchestrator.reading.waiting import wait_until_ready
from orchestrator.services import Services, services
from sessions.models import Session
from sessions.requests import EndRequest, StartRequest
from sessions.starting import Started
from sessions.states import Channel, Reason, State
from workers.app import nudge

blueprint = Blueprint("sessions", __name__, url_prefix="/orchestrator")
blueprint.before_request(authenticate_request)


@blueprint.post("/session/start")
@documented(
    Operation(
        "Start a session",
        "sessions",
        {201: StartAnswer, 200: StartAnswer},
        problems=(403, 409, 429),
        body=StartRequest,
        request_headers=("X-Session-ID", "Prefer"),
        answer_headers=("X-Session-ID", "Location", "Idempotent-Replay", "Preference-Applied"),
    )
)
def start() -> Response:
    """Start a session, or return the one that the same request started before."""
    house, caller = services(), principal()
    caller.require_key()
    wanted = read_body(request, StartRequest)
    alias = read_alias_header(request)
    started = house.starter.start(
        wanted,
        caller.scope,
        limits=caller.limits,
        aliases=[alias] if alias else [],
        correlation_id=g.correlation_id,
    )
    session = started.session
    remember(session.id, session.generation)
    if session.channel is Channel.VOICE and not started.replayed:
        nudge(session.id, session.generation)
    wait = read_wait(request)
    if wait:
        session = wait_until_ready(house, session, wait)
    return _started(house, started, session, wait)


@blueprint.post("/session/end")
@documented(
    Operation(
        "End a session",
        "sessions",
        {200: EndAnswer},
        problems=(404,),
        body=EndRequest,
        answer_headers=("X-Session-ID",),
    )
)
def end() -> Response:
    """End a session; doing it twice changes nothing."""
    house = services()
    reference = read_body(request, EndRequest).session_id
    session = lookup.find(house, principal(), reference)
    remember(session.id, session.generation)
    if isinstance(session, Session):
        end_session(house, session)
    session = lookup.load(house, session.id) or session
    state = session.state if isinstance(session, Session) else State.ENDED
    answer = EndAnswer(
        session_id=session.id,
        state=state,
        reason=Reason(session.reason) if session.reason else None,
        fault=session.fault,  # pyright: ignore[reportArgumentType]
        message="The session has ended." if state is State.ENDED else "The session is ending.",
    )
    return reply(answer, session.id)


@blueprint.get("/sessions")
@documented(
    Operation(
        "List sessions, newest first",
        "sessions",
        {200: SessionsAnswer},
        problems=(403,),
        query=SessionsQuery,
    )
)
def index() -> Response:
    """List sessions, newest first."""
    caller = principal()
    caller.require_key()
    query = read_query(request, SessionsQuery)
    return reply(list_sessions(services(), caller.visible_scope, query))


@blueprint.get("/session/<session:reference>")
@documented(
    Operation(
        "Look at a session",
        "sessions",
        {200: SessionAnswer},
        problems=(400, 404),
        answer_headers=("X-Session-ID",),
    )
)
def show(reference: str) -> Response:
    """Show a session, live or archived."""
    house, caller = services(), principal()
    session = lookup.find(house, caller, reference)
    remember(session.id, session.generation)
    return reply(presenting.whole(house, session, caller), session.id)


def _started(house: Services, started: Started, session: Session, wait: int) -> Response:
    voice = session.channel is Channel.VOICE
    if wait or started.replayed or session.state is not State.QUEUED:
        place = place_of(house, session)
    else:
        place = place_at(house, session, session.queue_position)
    answer = StartAnswer(
        session_id=session.id,
        state=session.state,
        token=tokens.sign(session, house.settings),
        server_url=house.settings.caller_livekit_url if voice else None,
        room_name=session.room if voice else None,
        voice_id=started.config.voice_id,
        websocket_url=_websocket_url(house, session.id),
        aliases=list(started.aliases),
        queue=place,
        message=_message(session),
    )
    response = reply(answer, session.id)
    response.status_code = 200 if started.replayed else 201
    response.headers["Location"] = f"{request.root_path}{blueprint.url_prefix}/session/{session.id}"
    if started.replayed:
        response.headers["Idempotent-Replay"] = "true"
    if wait:
        response.headers["Preference-Applied"] = f"wait={wait}"
    return response


def _websocket_url(house: Services, session_id: str) -> str:
    base = house.settings.public_url or f"{request.scheme}://{request.host}{request.root_path}"
    # http becomes ws, and https wss.
    return f"{base.replace('http', 'ws', 1).rstrip('/')}/ws/{session_id}"


def _message(session: Session) -> str:
    if session.state is State.READY:
        return "The session is ready."
    return "The session is on its way; its events tell when the agent is ready."
