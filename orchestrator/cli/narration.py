"""How is an event told to a person, in one line?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.cli.output import STATE_STYLES, Cell

_STYLES = {
    "agent_state": "cyan",
    "transcript": "bold",
    "agent_response": "bold",
    "error": "red",
    "session_ended": "yellow",
    "queue_position": "yellow",
}


def describe(event: Mapping[str, Any], began: int) -> list[Cell]:
    """Return when an event happened, counted from ``began`` (Unix ms), what it is, what it says."""
    kind, data = event["type"], event["data"]
    return [
        (_offset(event.get("id"), began), "dim"),
        (kind.ljust(17), _STYLES.get(kind, "")),
        _content(kind, data),
    ]


def _offset(event_id: str | None, began: int) -> str:
    at = int((event_id or "0-0").partition("-")[0])
    return f"{(at - began) / 1000:8.3f} s" if at else " " * 10


def _content(kind: str, data: Mapping[str, Any]) -> Cell:
    match kind:
        case "session_state":
            state = str(data.get("state"))
            return (state, STATE_STYLES.get(state, ""))
        case "transcript":
            unfinished = "" if data.get("final") else " …"
            return f"{data.get('speaker')}: {data.get('text')}{unfinished}"
        case "agent_response":
            return str(data.get("response"))
        case "error":
            return (f"{data.get('message')} ({data.get('code')})", "red")
        case _:
            shown = {k: v for k, v in data.items() if k != "session_id" and v not in (None, [])}
            return " ".join(f"{name}={value}" for name, value in shown.items())
