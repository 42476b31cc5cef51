"""What may a client say on its socket, and what does it hear back?"""

from __future__ import annotations

import json
from typing import Any

MAX_MESSAGE = 16 * 1024


def answer(message: str | bytes) -> dict[str, Any]:
    """Return what to send back to a client that has sent ``message``."""
    try:
        request = json.loads(message)
    except (ValueError, RecursionError):
        return _error("malformed_message", "A message must be JSON, for example a ping.")
    if not isinstance(request, dict) or not isinstance(request.get("type"), str):
        return _error("malformed_message", "A message must be an object with a type.")
    if request["type"] != "ping":
        kind = request["type"][:64]
        return _error("unknown_type", f"There is no message of type {kind!r}; there is ping.")
    echo = request.get("id")
    if echo is None:
        return {"type": "pong"}
    if not isinstance(echo, str | int):
        return _error("malformed_message", "The id of a ping must be text or a whole number.")
    return {"type": "pong", "id": echo}


def _error(code: str, message: str) -> dict[str, Any]:
    return {"type": "error", "data": {"code": code, "message": message}}
