"""A plugin that listens all the time fails in the middle of a call."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import APIConnectionError, inference, stt

from agents.providers import build_clients, make_stt_plugin
from agents.providers.standby import Standby
from agents.providers.streaming import StreamedHearing
from sessions.providers import Slot
from tests.support.settings import settings_with

PLUGINS = Path(__file__).parents[1] / "support" / "plugins"


class Told:
    """What a call would be told."""

    def __init__(self) -> None:
        self.owes_apology = False
        self.replaced: list[bool] = []

    def failed(self, slot: Slot, error: Exception, replaced: bool) -> None:
        self.replaced.append(replaced)

    def gave_up(self, slot: Slot, error: Exception) -> None:
        raise AssertionError("Nobody has given up.")


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install the plugin `scripted_ears` and return it."""
    monkeypatch.syspath_prepend(str(PLUGINS))
    return importlib.import_module("livekit.plugins.scripted_ears")


def test_streamed_hearing_when_the_plugin_fails_then_the_other_hears_until_it_has_rested(
    ears: Any,
) -> None:
    plugin, stand_in, told = ears.STT(), ears.STT(), Told()
    plugin.script.extend(["One.", APIConnectionError(), "Five."])
    stand_in.script.extend(["Three.", "Four."])

    async def call() -> list[str]:
        settings = settings_with(provider_cooldown_seconds=1.5)
        standby: Standby[stt.STT] = Standby(Slot.STT, plugin, settings, told)
        heard: list[str] = []
        async with StreamedHearing(standby, stand_in).stream() as stream:
            listening = asyncio.create_task(listen(stream, heard))
            stream.flush()
            await until(lambda: heard == ["One."])
            stream.flush()
            await until(lambda: told.replaced == [True])
            stream.flush()
            await until(lambda: heard[1:] == ["Three."])
            await until(lambda: not standby.rests)
            stream.flush()
            # The plugin listens again once the other has heard something to its end.
            await until(lambda: heard[2:] == ["Four.", "Five."], do=stream.flush)
            stream.end_input()
            await listening
        return heard

    assert asyncio.run(call()) == ["One.", "Three.", "Four.", "Five."]
    assert told.replaced == [True]


async def listen(stream: stt.RecognizeStream, heard: list[str]) -> None:
    async for event in stream:
        heard.extend(data.text for data in event.alternatives)


async def until(true: Callable[[], bool], do: Callable[[], None] = lambda: None) -> None:
    """Wait until something is true; do something meanwhile, again and again."""
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.1)
            do()


def test_plugin_when_it_streams_then_hears_with_its_key_and_language(ears: Any) -> None:
    settings = settings_with(stt_plugin="scripted_ears", stt_key="k-1")

    async def made() -> stt.STT | None:
        return make_stt_plugin(settings, build_clients(settings), inference.VAD(), Told(), "de")

    heard = asyncio.run(made())
    assert isinstance(heard, StreamedHearing)
    plugin: Any = heard.standby.first
    assert type(plugin) is ears.STT
    assert (plugin.api_key, plugin.language) == ("k-1", "de")
