"""How does what an ``AgentSession`` does become events that anybody can follow?

What is being said, and heard, is noted in the session too until it is a turn: should this agent be
lost in the middle of it, whoever comes next knows how far it went.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    ConversationItemAddedEvent,
    UserInputTranscribedEvent,
)
from livekit.agents.llm import ChatMessage
from livekit.agents.voice import SpeechHandle

from agents.voice.answers import response_event
from agents.voice.reporter import Reporter
from agents.voice.script import Cut
from sessions.control import Order
from sessions.tracing import record_span

_AGENT, _CALLER = "agent", "caller"
_SPEAKERS = {"assistant": _AGENT, "user": _CALLER}


class Narrator:
    """Tells the states and the sentences of one session."""

    def __init__(self, session: AgentSession, reporter: Reporter) -> None:
        self._session = session
        self._reporter = reporter
        self._orders: set[SpeechHandle] = set()
        self._resuming: SpeechHandle | None = None
        self._cut: Cut | None = None
        self._utterance = 0
        self._is_a_turn = 0
        """The last utterance that is a turn by now, or will be: its words may still come."""
        self._heard: list[str] = []
        """What the caller has said in this turn that will not be heard otherwise any more."""
        self._shown = ""
        self._made_at: int | None = _now()
        session.on("agent_state_changed", self._on_agent_state)
        session.on("user_input_transcribed", self._on_heard)
        session.on("conversation_item_added", self._on_item)

    def partial(self, text: str, utterance: int) -> None:
        """Tell what the agent is saying and may not say to its end; its utterances are counted."""
        self._utterance = utterance
        if utterance == self._is_a_turn:
            return
        ordered = self._session.current_speech in self._orders
        self._tell(_AGENT, text, final=False, fields={} if ordered else {"saying": text})

    def says_for(self, order: Order, text: str, speech: SpeechHandle) -> None:
        """Take note that a speech carries out an order, whose turn somebody else has written."""
        self._orders.add(speech)

        def on_done(_: SpeechHandle) -> None:
            self._orders.discard(speech)
            self._tell(_AGENT, text, final=True, fields={"heeded": order.id})

        speech.add_done_callback(on_done)

    def resumes_with(self, speech: SpeechHandle) -> None:
        """Take note that a speech is the first after a takeover; it answers nothing."""
        self._resuming = speech

    def parts(self, cut: Cut) -> None:
        """Take note that the agent is about to stop, and at which word; another says the rest."""
        self._cut = cut
        self._is_a_turn = self._utterance

    @property
    def speaks_on_order(self) -> bool:
        """Tell whether the agent says what it was ordered to."""
        return self._session.current_speech in self._orders

    @property
    def hears_caller(self) -> bool:
        """Tell whether something has been heard that is no turn yet."""
        return bool(self._shown or self._heard)

    def _on_agent_state(self, event: AgentStateChangedEvent) -> None:
        stamps = ["firstAudio"] if event.new_state == "speaking" else []
        if stamps and self._made_at is not None:
            record_span("first_audio", self._made_at, _now())
            self._made_at = None
        self._reporter.tell("agent_state", {"state": event.new_state}, stamps=stamps)

    def _on_heard(self, event: UserInputTranscribedEvent) -> None:
        text = " ".join([*self._heard, event.transcript]).strip()
        if event.is_final:
            self._heard.append(event.transcript)
        if text and text != self._shown:
            self._shown = text
            self._tell(_CALLER, text, final=False, fields={"hearing": text})

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
        else:
            self._is_a_turn = self._utterance
        waited = _latency(item)
        whole, interrupted = text, item.interrupted
        if self._cut is not None and item.role == "assistant" and interrupted:
            # What LiveKit takes for said is an estimate.
            text, whole, interrupted = self._cut.said, self._cut.whole, False
            self._cut = None
        turn = {"role": item.role, "text": text, "interrupted": interrupted, **waited}
        if self._resuming is not None and item in self._resuming.chat_items:
            turn["resuming"] = True
        done = {"hearing" if item.role == "user" else "saying": ""}
        speaker = _SPEAKERS[item.role]
        more = {**waited, "interrupted": True} if interrupted else waited
        self._tell(speaker, text, final=True, turn=turn, more=more, fields=done)
        if item.role == "assistant" and (response := response_event(item)) is not None:
            # Those who read are given all of it, whoever says it.
            self._reporter.tell("agent_response", {**response, "response": whole})

    def _tell(
        self,
        speaker: str,
        text: str,
        *,
        final: bool,
        turn: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        data = {"speaker": speaker, "text": text, "final": final, **(more or {})}
        self._reporter.tell("transcript", data, turn=turn, fields=fields)


def _now() -> int:
    return time.time_ns() // 1_000_000


def _latency(message: ChatMessage) -> dict[str, int]:
    """Return how long the caller waited for this, from the end of what they said."""
    seconds = message.metrics.get("e2e_latency")
    return {} if seconds is None else {"latency_ms": round(seconds * 1000)}
