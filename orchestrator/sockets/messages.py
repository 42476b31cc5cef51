"""What may a client say on its socket, and what does it hear back?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sessions.errors import InvalidRequestError, RetryableError, SwitchboardError
from sessions.questions.messages import ChatMessage
from sessions.questions.tasks import TaskRequest
from sessions.requests import parse

MAX_MESSAGE = 64 * 1024
"""4,000 characters take up to 48 KB where every one of them is escaped."""

Echo = str | int | None
Frame = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chat:
    """A message into the session that the socket follows; ``echo`` is the client's id of it."""

    content: ChatMessage
    echo: Echo


def read(message: str | bytes) -> Frame | Chat:
    """Return what a client wants with ``message``, or what to send back at once."""
    try:
        request = json.loads(message)
    except (ValueError, RecursionError):
        return error("malformed_message", "A message must be JSON, for example a ping.")
    if not isinstance(request, dict) or not isinstance(request.get("type"), str):
        return error("malformed_message", "A message must be an object with a type.")
    kind, echo = request.pop("type"), request.pop("id", None)
    if kind not in {"ping", "chat"}:
        return error(
            "unknown_type", f"There is no message of type {kind[:64]!r}; there are chat and ping."
        )
    if echo is not None and (not isinstance(echo, str | int) or len(str(echo)) > 128):
        return error(
            "malformed_message", f"The id of a {kind} must be a whole number or a short text."
        )
    if kind == "ping":
        return _echoed({"type": "pong"}, echo)
    try:
        return Chat(parse(ChatMessage, request), echo)
    except InvalidRequestError as problem:
        return refusal(problem, echo)


def accepted(request: TaskRequest, echo: Echo) -> Frame:
    """Return the answer to a chat that was taken in."""
    data = {
        "session_id": request.payload.session_id,
        "correlation_id": request.correlation_id,
        "task_type": request.task_type,
        "status": "pending",
    }
    return _echoed({"type": "chat_accepted", "data": data}, echo)


def refusal(problem: SwitchboardError, echo: Echo) -> Frame:
    """Return the answer to a chat that was not."""
    more: dict[str, Any] = {}
    if isinstance(problem, InvalidRequestError):
        more["field"] = problem.problems[0].field
        more["errors"] = [one.to_json() for one in problem.problems]
    if isinstance(problem, RetryableError):
        more["retry_after"] = problem.retry_after
    return error(problem.code, str(problem), echo, more)


def error(code: str, message: str, echo: Echo = None, more: Frame | None = None) -> Frame:
    """Return the frame that tells a client what was wrong."""
    data = {"code": code, "message": message, **(more or {})}
    return _echoed({"type": "error", "data": data}, echo)


def _echoed(frame: Frame, echo: Echo) -> Frame:
    return frame if echo is None else {**frame, "id": echo}
