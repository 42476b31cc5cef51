"""Where does a call stand, and is it time to speak or to hang up?

The events say what the agent means to do, the ear what has arrived; a moment counts as quiet when
both agree. Without events the ear alone decides, and is given longer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.cli.calling.hearing import Ear

_PAUSE_SECONDS = 0.8
_PAUSE_WITHOUT_EVENTS_SECONDS = 3.0
_ANSWER_PAUSE_SECONDS = 1.2
_NO_ANSWER_SECONDS = 5.0
_PATIENCE_SECONDS = 20.0
_BUSY = ("thinking", "speaking")


class Course:
    """One call. Moments are seconds since the caller joined."""

    def __init__(self, ear: Ear, *, expects_opening: bool) -> None:
        self.ended: Mapping[str, Any] | None = None
        self._ear = ear
        self._expects_opening = expects_opening
        self._agent = ""
        self._has_spoken = False
        self._ready_at: float | None = None
        self._busy_at = 0.0

    def take(self, event: Mapping[str, Any], now: float) -> None:
        """Take note of an event."""
        data = event["data"]
        match event["type"]:
            case "session_state" | "session_confirmed" if data.get("state") == "ready":
                self._ready_at = now
            case "agent_state":
                self._agent = data.get("state", "")
                self._has_spoken |= self._agent == "speaking"
                self._busy_at = now if self._agent in _BUSY else self._busy_at
            case "session_ended":
                self.ended = data

    def opening_is_over(self, now: float) -> bool:
        """Tell whether the agent has said its first line, or will say none."""
        if not self._expects_opening:
            return self._ready_at is not None
        if self._ear.first_at is None:
            return False
        if self._has_spoken:
            return self._agent not in _BUSY and self._ear.quiet_for(now) > _PAUSE_SECONDS
        return not self._agent and self._ear.quiet_for(now) > _PAUSE_WITHOUT_EVENTS_SECONDS

    def answer_is_over(self, said_at: float, now: float) -> bool:
        """Tell whether the agent has had its say about what the caller said until ``said_at``."""
        if self._agent in _BUSY:
            return False
        pause = _ANSWER_PAUSE_SECONDS if self._busy_at >= said_at else _NO_ANSWER_SECONDS
        return min(now - said_at, self._ear.quiet_for(now)) > pause

    def is_hopeless(self, now: float) -> bool:
        """Tell whether an agent that should have spoken long ago has not been heard."""
        if self._ear.first_at is not None or not self._expects_opening:
            return False
        return self._ready_at is not None and now - self._ready_at > _PATIENCE_SECONDS
