"""What does a chatter read of an event?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.cli.narration import Line, evidence

_STYLES = {"you": "bold cyan", "caller": "bold cyan", "agent": "bold green"}


def tell(event: Mapping[str, Any]) -> list[Line]:
    """Return the lines in which an event is told; most events say nothing to a chatter."""
    data = event.get("data", {})
    match event["type"]:
        case "transcript":
            return [_said(_speaker(data), str(data.get("text")))] if data.get("text") else []
        case "agent_response":
            return answer(data)
        case "error":
            return [[(f"{data.get('message')} ({data.get('code')})", "red")]]
        case "agent_recovering":
            return [[("The agent was lost; another one takes over.", "yellow")]]
        case "listening":
            return [[(f"The agent {'listens' if data.get('listening') else 'is deaf'}.", "dim")]]
        case "session_ended":
            why = f"{data.get('reason')}, fault: {data.get('fault')}"
            return [[(f"The session has ended ({why}).", "yellow")]]
        case _:
            return []


def answer(data: Mapping[str, Any]) -> list[Line]:
    """Return an answer, and below it where it is from and what is to happen next."""
    known = evidence(data)
    # An answer that nobody wrote for was spoken, and has been told as a transcript.
    spoken = "correlation_id" not in data
    lines = [] if spoken else [_said("agent", str(data.get("response")))]
    return [*lines, [(f"       {known}", "dim")]] if known else lines


def _speaker(data: Mapping[str, Any]) -> str:
    if data.get("speaker") == "agent":
        return "agent, aloud"
    return "you" if data.get("typed") else "caller"


def _said(who: str, text: str) -> Line:
    return [(f"{who}:", _STYLES.get(who, "green")), text]
