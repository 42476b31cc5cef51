"""Where does a browser find the dashboard, and what does its page ask for?

The page and its files hold no data, so they are open. All else is for administrators.
"""

from __future__ import annotations

from pathlib import Path

import structlog
from flask import Blueprint, Flask, Response, current_app, request

from orchestrator.access.auth import authenticate_request, principal, recheck
from orchestrator.dashboard.answers import FoundAnswer, PromptAnswer, SessionPage
from orchestrator.dashboard.detail import prompt_of, session_page
from orchestrator.dashboard.searching import ArchiveQuery, search
from orchestrator.dashboard.watching import EXTENSION, Watching, watching_of
from orchestrator.http.bodies import read_query
from orchestrator.http.operations import Operation, documented
from orchestrator.http.pages import send_page_file
from orchestrator.http.replies import remember, reply
from orchestrator.reading import lookup
from orchestrator.services import services, services_of

_FILES = Path(__file__).parent / "static"

pages = Blueprint("dashboard_page", __name__, url_prefix="/dashboard")
blueprint = Blueprint("dashboard", __name__, url_prefix="/dashboard")

log = structlog.get_logger(__name__)


def register(app: Flask) -> None:
    """Give ``app`` its dashboard."""
    app.extensions[EXTENSION] = Watching(services_of(app))
    app.register_blueprint(pages)
    app.register_blueprint(blueprint)


@pages.get("")
def page() -> Response:
    """Return the page."""
    return send_page_file(_FILES, "index.html")


@pages.get("/static/<path:name>")
def file(name: str) -> Response:
    """Return a file of the page."""
    return send_page_file(_FILES, name)


@blueprint.before_request
def _admit() -> None:
    authenticate_request()
    if request.method != "OPTIONS":
        principal().require_admin()


@blueprint.get("/events")
@documented(
    Operation(
        "Watch every call as it happens",
        "dashboard",
        {200: "text/event-stream"},
        problems=(403,),
    )
)
def events() -> Response:
    """Stream what happens in the house, beginning with a picture of all of it."""
    watching = watching_of(current_app)
    seat = watching.admit(request.environ.get("gunicorn.socket"))
    stream = watching.stream(seat, may_stay=recheck(request))
    response = Response(stream, content_type="text/event-stream; charset=utf-8")
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(lambda: watching.leave(seat))
    return response


@blueprint.get("/sessions/<session:reference>")
@documented(
    Operation(
        "Look at a session as an operator",
        "dashboard",
        {200: SessionPage},
        problems=(400, 403, 404),
        answer_headers=("X-Session-ID",),
    )
)
def session(reference: str) -> Response:
    """Show one session, live or archived."""
    house, caller = services(), principal()
    found = lookup.find(house, caller, reference)
    remember(found.id, found.generation)
    names = watching_of(current_app).names
    return reply(session_page(house, names, found, caller), found.id)


@blueprint.get("/sessions/<session:reference>/prompt")
@documented(
    Operation(
        "Look at a session's prompt; this is logged",
        "dashboard",
        {200: PromptAnswer},
        problems=(400, 403, 404, 410),
        answer_headers=("X-Session-ID",),
    )
)
def prompt(reference: str) -> Response:
    """Show the prompt and the lines of one session; who asked is logged."""
    house, caller = services(), principal()
    found = lookup.find(house, caller, reference)
    remember(found.id, found.generation)
    answer = prompt_of(house, found)
    log.info("prompt_shown", asked_by=caller.scope)
    return reply(answer, found.id)


@blueprint.get("/archive")
@documented(
    Operation(
        "Search for sessions",
        "dashboard",
        {200: FoundAnswer},
        problems=(403,),
        query=ArchiveQuery,
    )
)
def archive() -> Response:
    """Search among what has ended."""
    query = read_query(request, ArchiveQuery)
    return reply(search(services(), watching_of(current_app).names, query))
