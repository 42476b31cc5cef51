"""How is an event told to a person?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.cli.output import STATE_STYLES, Cell, ago

Line = list[Cell]

_STYLES = {
    "agent_state": "cyan",
    "transcript": "bold",
    "agent_response": "bold",
    "error": "red",
    "session_ended": "yellow",
    "queue_position": "yellow",
}


class Story:
    """Tells a call as it happens, each event on a line with its moment."""

    def __init__(self) -> None:
        self._began = 0

    def lines(self, event: Mapping[str, Any]) -> list[Line]:
        """Return what an event has to say."""
        moment = int(event.get("id", "0-0").partition("-")[0])
        self._began = self._began or moment
        kind, data = event["type"], event["data"]
        # What was spoken has been told as a transcript: what is left is where it is from.
        if kind == "agent_response" and "correlation_id" not in data:
            known = evidence(data)
            line = [*describe(event, self._began)[:2], known]
            return [line] if known else []
        return [describe(event, self._began)]


def describe(event: Mapping[str, Any], began: int) -> Line:
    """Return when an event happened, counted from ``began`` (Unix ms), what it is, what it says."""
    kind, data = event["type"], event["data"]
    return [
        (_offset(event.get("id"), began), "dim"),
        (kind.ljust(17), _STYLES.get(kind, "")),
        _content(kind, data),
    ]


def said(data: Mapping[str, Any]) -> str:
    """Return what a transcript tells of one side, finished or not."""
    marks = ("" if data.get("final") else " …") + (" (cut short)" * bool(data.get("interrupted")))
    return f"{data.get('speaker')}: {data.get('text')}{marks}"


def evidence(data: Mapping[str, Any]) -> str:
    """Return what there is to know of an answer beside its words: where from, and what next."""
    actions = [action.replace("_", " ") for action in data.get("suggested_actions") or ()]
    parts = [
        ("from " + ", ".join(data.get("sources") or ())) if data.get("sources") else "",
        "a person should take over" if data.get("requires_human_handoff") else "",
        ("suggested: " + ", ".join(actions)) if actions else "",
    ]
    return "; ".join(filter(None, parts))


def _offset(event_id: str | None, began: int) -> str:
    at = int((event_id or "0-0").partition("-")[0])
    return f"{(at - began) / 1000:8.3f} s" if at else " " * 10


def _content(kind: str, data: Mapping[str, Any]) -> Cell:
    match kind:
        case "session_state":
            state = str(data.get("state"))
            return (state, STATE_STYLES.get(state, ""))
        case "transcript":
            return said(data)
        case "agent_response":
            known = evidence(data)
            return f"{data.get('response')}" + (f" [{known}]" if known else "")
        case "error":
            return (f"{data.get('message')} ({data.get('code')})", "red")
        case "queue_position":
            wait = data.get("estimated_wait_ms")
            still = "" if wait is None else f", about {ago(wait)} still"
            return f"place {data.get('position')}{still}"
        case _:
            shown = {k: v for k, v in data.items() if k != "session_id" and v not in (None, [])}
            return " ".join(f"{name}={value}" for name, value in shown.items())
