"""Models that an agent of somebody's own brings along are counted by what they report."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import Agent, ConversationItemAddedEvent
from livekit.agents.llm import AgentHandoff
from livekit.agents.metrics import STTMetrics
from livekit.agents.metrics.base import Metadata

from agents.voice.own_models import OwnModels
from sessions.metering import metering
from sessions.usage import Amounts, Model

PLUGINS = Path(__file__).parents[1] / "support" / "plugins"
ABOUT = Metadata(model_name="m", model_provider="Theirs")


class Session(rtc.EventEmitter[str]):
    """As much of an ``AgentSession`` as is asked for."""

    current_agent: Agent


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(PLUGINS))
    return importlib.import_module("livekit.plugins.scripted_ears")


def heard(seconds: float) -> STTMetrics:
    return STTMetrics(
        label="", request_id="", timestamp=0, duration=0.5, audio_duration=seconds,
        streamed=True, metadata=ABOUT,
    )  # fmt: skip


def test_agents_when_they_bring_models_then_each_is_counted_once(plugin: Any) -> None:
    async def call() -> dict[Model, Amounts]:
        session = Session()
        first_ears, second_ears = plugin.STT(), plugin.STT()
        with metering() as meter:
            own = OwnModels(session)  # pyright: ignore[reportArgumentType]
            first = Agent(instructions="", stt=first_ears)
            own.watch(first)
            own.watch(first)
            first_ears.emit("metrics_collected", heard(1.5))
            second_ears.emit("metrics_collected", heard(10))
            session.current_agent = Agent(instructions="", stt=second_ears)
            item = AgentHandoff(old_agent_id="a", new_agent_id="b")
            session.emit("conversation_item_added", ConversationItemAddedEvent(item=item))
            second_ears.emit("metrics_collected", heard(2))
            second_ears.emit("metrics_collected", object())
        return dict(meter.usage.models)

    expected = Amounts(2, audio_ms=3500, model_ms=1000)
    assert asyncio.run(call()) == {Model("stt", "Theirs", "m"): expected}


def test_agent_when_it_brings_none_then_the_house_counts_its_own_alone(plugin: Any) -> None:
    async def call() -> dict[Model, Amounts]:
        with metering() as meter:
            OwnModels(Session()).watch(Agent(instructions=""))  # pyright: ignore[reportArgumentType]
        return dict(meter.usage.models)

    assert asyncio.run(call()) == {}
