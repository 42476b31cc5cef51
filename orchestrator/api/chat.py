"""Writing into a session, and reading the answer."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from orchestrator.access.auth import authenticate_request, principal
from orchestrator.chatting.answers import AnsweredAnswer, PendingAnswer
from orchestrator.chatting.asking import ask, find_question, wait_for_answer
from orchestrator.chatting.opening import session_for
from orchestrator.http.bodies import read_alias_header, read_body, read_wait
from orchestrator.http.operations import Operation, documented
from orchestrator.http.replies import remember, reply
from orchestrator.services import services
from sessions.questions.asked import Asked
from sessions.questions.messages import ChatRequest
from sessions.questions.tasks import TaskRequest

blueprint = Blueprint("chat", __name__, url_prefix="/chat")
blueprint.before_request(authenticate_request)


@blueprint.post("")
@documented(
    Operation(
        "Write into a session",
        "chat",
        {202: PendingAnswer, 200: AnsweredAnswer},
        problems=(404, 410, 429),
        body=ChatRequest,
        request_headers=("X-Session-ID", "Prefer"),
        answer_headers=("X-Session-ID", "Location", "Preference-Applied"),
    )
)
def write() -> Response:
    """Take a message in; the answer comes as an event, and here if it is waited for."""
    house, caller = services(), principal()
    wanted = read_body(request, ChatRequest)
    alias = read_alias_header(request)
    reference = alias if wanted.session_id is None else wanted.session_id
    session = session_for(house, caller, reference, wanted.user_id, g.correlation_id)
    remember(session.id, session.generation)
    question = ask(house, session, wanted)
    wait = read_wait(request)
    asked = wait_for_answer(house, question.correlation_id, wait) if wait else None
    return _reply(question, asked, wait)


@blueprint.get("/<correlation_id>")
@documented(
    Operation(
        "Read the answer to a question",
        "chat",
        {200: AnsweredAnswer, 202: PendingAnswer},
        problems=(404,),
        request_headers=("Prefer",),
        answer_headers=("X-Session-ID", "Location", "Preference-Applied"),
    )
)
def read(correlation_id: str) -> Response:
    """Return the answer to a question, or that it is still open."""
    house = services()
    asked = find_question(house, principal(), correlation_id)
    remember(asked.session_id, asked.generation)
    wait = read_wait(request)
    if wait and asked.response is None:
        asked = wait_for_answer(house, correlation_id, wait) or asked
    return _reply(asked.request, asked, wait)


def _reply(question: TaskRequest, asked: Asked | None, wait: int) -> Response:
    answered = AnsweredAnswer.of(asked) if asked is not None else None
    response = reply(answered or PendingAnswer.of(question), question.payload.session_id)
    response.status_code = 200 if answered else 202
    response.headers["Location"] = (
        f"{request.root_path}{blueprint.url_prefix}/{question.correlation_id}"
    )
    if wait:
        response.headers["Preference-Applied"] = f"wait={wait}"
    return response
