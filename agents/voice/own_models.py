"""What does an agent of somebody's own use besides the models of the house?

An agent may bring models along, and may give the call to another agent that does. The house asks
its own models itself and counts that; of these it learns from what they report.
"""

from __future__ import annotations

from typing import Any

from livekit.agents import Agent, AgentSession, ConversationItemAddedEvent
from livekit.agents.llm import AgentHandoff
from livekit.agents.metrics import LLMMetrics, RealtimeModelMetrics, STTMetrics, TTSMetrics
from livekit.rtc import EventEmitter

from sessions.metering import current_meter
from sessions.providers import Slot
from sessions.usage import Amounts, Model


class OwnModels:
    """Whatever the agents of one call bring along."""

    def __init__(self, session: AgentSession[Any]) -> None:
        self._session = session
        self._meter = current_meter()
        self._watched: set[int] = set()
        session.on("conversation_item_added", self._on_item)

    def watch(self, agent: Agent) -> None:
        """Count what the models of ``agent`` report."""
        for model in (agent.stt, agent.llm, agent.tts):
            if isinstance(model, EventEmitter) and id(model) not in self._watched:
                self._watched.add(id(model))
                model.on("metrics_collected", self._on_metrics)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, AgentHandoff):
            self.watch(self._session.current_agent)

    def _on_metrics(self, metrics: object) -> None:
        match metrics:
            case STTMetrics():
                slot = Slot.STT
                amounts = Amounts(
                    input_tokens=metrics.input_tokens,
                    output_tokens=metrics.output_tokens,
                    audio_ms=round(metrics.audio_duration * 1000),
                )
            case TTSMetrics():
                slot = Slot.TTS
                amounts = Amounts(
                    input_tokens=metrics.input_tokens,
                    output_tokens=metrics.output_tokens,
                    characters=metrics.characters_count,
                    audio_ms=round(metrics.audio_duration * 1000),
                )
            case LLMMetrics():
                slot = Slot.LLM
                amounts = Amounts(
                    input_tokens=metrics.prompt_tokens, output_tokens=metrics.completion_tokens
                )
            case RealtimeModelMetrics():
                slot = Slot.LLM
                amounts = Amounts(
                    input_tokens=metrics.input_tokens, output_tokens=metrics.output_tokens
                )
            case _:
                return
        about = metrics.metadata
        provider = (about and about.model_provider) or "unknown"
        model = Model(slot, provider, (about and about.model_name) or "unknown")
        taken = Amounts(requests=1, model_ms=round(metrics.duration * 1000))
        self._meter.add(model, amounts + taken)
