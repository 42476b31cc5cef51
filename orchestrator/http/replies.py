"""How does an answer leave the house?"""

from __future__ import annotations

import json

import structlog
from flask import Response, g

from orchestrator.http.answers import Answer
from sessions.tracing import note

_ENCODER = json.JSONEncoder(separators=(",", ":"))
"""One for all answers; ``jsonify`` makes one for each."""


def reply(answer: Answer, session_id: str | None = None) -> Response:
    """Return ``answer`` as JSON, with the id of the session that it is about."""
    response = Response(_ENCODER.encode(answer.to_json()), content_type="application/json")
    if session_id is not None:
        response.headers["X-Session-ID"] = session_id
    return response


def remember(session_id: str, generation: int | None = None) -> None:
    """Have every log line of this request name the session, and its answer too."""
    g.session_id = session_id
    named: dict[str, str | int] = {"session_id": session_id}
    if generation is not None:
        named["generation"] = generation
    structlog.contextvars.bind_contextvars(**named)
    note(**named)
