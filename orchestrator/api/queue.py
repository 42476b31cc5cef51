"""The queue: who waits for an agent, in which place, and for how long still."""

from __future__ import annotations

from flask import Blueprint, Response, request

from orchestrator.access.auth import authenticate_request, principal
from orchestrator.http.answers import QueueAnswer
from orchestrator.http.bodies import read_query
from orchestrator.http.operations import Operation, documented
from orchestrator.http.queries import QueueQuery
from orchestrator.http.replies import reply
from orchestrator.reading.queueing import list_queue
from orchestrator.services import services

blueprint = Blueprint("queue", __name__, url_prefix="/orchestrator")
blueprint.before_request(authenticate_request)


@blueprint.get("/queue")
@documented(
    Operation(
        "List who waits for an agent",
        "sessions",
        {200: QueueAnswer},
        problems=(403,),
        query=QueueQuery,
    )
)
def index() -> Response:
    """List your sessions that wait for an agent, the next one first; for an admin, all."""
    caller = principal()
    caller.require_key()
    query = read_query(request, QueueQuery)
    return reply(list_queue(services(), caller.visible_scope, query.limit))
