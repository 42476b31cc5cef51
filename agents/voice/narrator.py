"""How does what an ``AgentSession`` does become events that anybody can follow?"""

from __future__ import annotations

from typing import Any

from livekit.agents import AgentSession, AgentStateChangedEvent, ConversationItemAddedEvent
from livekit.agents.llm import ChatMessage

from agents.voice.reporter import Reporter

_SPEAKERS = {"assistant": "agent", "user": "caller"}


class Narrator:
    """Tells the states and the sentences of one session."""

    def __init__(self, session: AgentSession, reporter: Reporter) -> None:
        self._reporter = reporter
        session.on("agent_state_changed", self._on_agent_state)
        session.on("conversation_item_added", self._on_item)

    def partial(self, speaker: str, text: str) -> None:
        """Tell a sentence that is being said and may not be said to its end."""
        self._reporter.tell("transcript", _transcript(speaker, text, final=False))

    def _on_agent_state(self, event: AgentStateChangedEvent) -> None:
        stamps = ["firstAudio"] if event.new_state == "speaking" else []
        self._reporter.tell("agent_state", {"state": event.new_state}, stamps=stamps)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, ChatMessage) or item.role not in _SPEAKERS:
            return
        text = item.text_content
        if not text:
            return
        turn = {"role": item.role, "text": text, "interrupted": item.interrupted}
        data = _transcript(_SPEAKERS[item.role], text, final=True)
        self._reporter.tell("transcript", data, turn=turn)


def _transcript(speaker: str, text: str, *, final: bool) -> dict[str, Any]:
    return {"speaker": speaker, "text": text, "final": final}
