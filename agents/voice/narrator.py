"""How does what an ``AgentSession`` does become events that anybody can follow?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    ConversationItemAddedEvent,
    UserInputTranscribedEvent,
)
from livekit.agents.llm import ChatMessage

from agents.voice.answers import response_event
from agents.voice.reporter import Reporter

_AGENT, _CALLER = "agent", "caller"
_SPEAKERS = {"assistant": _AGENT, "user": _CALLER}


class Narrator:
    """Tells the states and the sentences of one session."""

    def __init__(self, session: AgentSession, reporter: Reporter) -> None:
        self._reporter = reporter
        self._heard: list[str] = []
        """What the caller has said in this turn that will not be heard otherwise any more."""
        self._shown = ""
        session.on("agent_state_changed", self._on_agent_state)
        session.on("user_input_transcribed", self._on_heard)
        session.on("conversation_item_added", self._on_item)

    def partial(self, text: str) -> None:
        """Tell what the agent is saying and may not say to its end."""
        self._tell(_AGENT, text, final=False)

    def said(self, text: str) -> None:
        """Tell what the agent has said of which somebody else has written the turn."""
        self._tell(_AGENT, text, final=True)

    def _on_agent_state(self, event: AgentStateChangedEvent) -> None:
        stamps = ["firstAudio"] if event.new_state == "speaking" else []
        self._reporter.tell("agent_state", {"state": event.new_state}, stamps=stamps)

    def _on_heard(self, event: UserInputTranscribedEvent) -> None:
        text = " ".join([*self._heard, event.transcript]).strip()
        if event.is_final:
            self._heard.append(event.transcript)
        if text and text != self._shown:
            self._shown = text
            self._tell(_CALLER, text, final=False)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, ChatMessage) or item.role not in _SPEAKERS:
            return
        text = item.text_content
        if not text:
            return
        if item.role == "user":
            self._heard.clear()
            self._shown = ""
        waited = _latency(item)
        turn = {"role": item.role, "text": text, "interrupted": item.interrupted, **waited}
        self._tell(_SPEAKERS[item.role], text, final=True, turn=turn, more=waited)
        if item.role == "assistant" and (response := response_event(item)) is not None:
            self._reporter.tell("agent_response", response)

    def _tell(
        self,
        speaker: str,
        text: str,
        *,
        final: bool,
        turn: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        data = {"speaker": speaker, "text": text, "final": final, **(more or {})}
        self._reporter.tell("transcript", data, turn=turn)


def _latency(message: ChatMessage) -> dict[str, int]:
    """Return how long the caller waited for this, from the end of what they said."""
    seconds = message.metrics.get("e2e_latency")
    return {} if seconds is None else {"latency_ms": round(seconds * 1000)}
