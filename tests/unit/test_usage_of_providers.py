"""Whatever is asked of a provider is counted, whoever answers, fails or stands in."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from livekit import rtc
from livekit.agents import stt

from agents.knowledge.answering import Answerer
from agents.knowledge.finding import Finder
from agents.knowledge.passages import Passage
from agents.providers.standby import Standby
from agents.providers.streaming import StreamedHearing
from sessions.metering import metering
from sessions.providers import Slot
from sessions.questions.embeddings import Embedder
from sessions.questions.tasks import Status
from sessions.settings import Settings
from sessions.usage import Amounts, Model, Usage
from tests.fixtures.redis import MakeSettings
from tests.support.questions import question as asked_question
from tests.support.scripted_answers import cut, error, speech, using, words
from tests.support.scripted_openai import (
    CHAT,
    HEARING,
    SPEECH,
    ScriptedOpenAI,
    scripted_openai,
)
from tests.support.settings import settings_with
from tests.unit.test_providers_failing import Told, in_a_call, settings_of
from workers import answering
from workers.answering import answer_request

PLUGINS = Path(__file__).parents[1] / "support" / "plugins"
THEIRS = "127.0.0.1"
SENTENCE = "The bicycle is ready."
PASSAGE = Passage("hours.md", "Opening hours", "We open at nine and close at six.")


@pytest.fixture
def provider() -> Iterator[ScriptedOpenAI]:
    with scripted_openai() as server:
        yield server


@pytest.fixture
def own() -> Iterator[ScriptedOpenAI]:
    with scripted_openai() as server:
        yield server


@pytest.fixture
def settings(provider: ScriptedOpenAI, own: ScriptedOpenAI) -> Settings:
    return settings_of(provider, own)


def without_times(usage: Usage) -> dict[Model, Amounts]:
    return {model: replace(amounts, model_ms=0) for model, amounts in usage.models.items()}


def test_speech_when_the_provider_fails_then_both_are_counted_for_what_they_were_asked(
    settings: Settings, provider: ScriptedOpenAI, own: ScriptedOpenAI
) -> None:
    provider.script(SPEECH, error(500))
    own.usual[SPEECH] = speech(1.0)
    with metering() as meter:
        in_a_call(settings, Told(), lambda call: call.say(SENTENCE))
    found = without_times(meter.usage)
    spoken = Amounts(1, characters=len(SENTENCE))
    assert found.pop(Model("tts", THEIRS, "large")) == spoken
    # LiveKit puts a hundredth of a second of silence behind it.
    assert found == {Model("tts", "embedded", "tts-1"): replace(spoken, audio_ms=1010)}


def test_speech_when_cut_off_then_what_was_made_before_is_counted(
    settings: Settings, provider: ScriptedOpenAI
) -> None:
    provider.script(SPEECH, cut(speech(1.0), after=4))
    with metering() as meter:
        in_a_call(settings, Told(), lambda call: call.say(SENTENCE))
    theirs = meter.usage.models[Model("tts", THEIRS, "large")]
    assert 200 <= theirs.audio_ms <= 400


def test_hearing_when_it_hears_then_the_sound_is_counted_and_the_time_it_took(
    settings: Settings, provider: ScriptedOpenAI
) -> None:
    provider.script(HEARING, error(500))
    with metering() as meter:
        in_a_call(settings, Told(), lambda call: call.hear())
    assert without_times(meter.usage) == {
        Model("stt", THEIRS, "large"): Amounts(1, audio_ms=1000),
        Model("stt", "embedded", "whisper-1"): Amounts(1, audio_ms=1000),
    }
    assert all(amounts.model_ms > 0 for amounts in meter.usage.models.values())


def test_thinking_when_the_server_tells_its_tokens_then_they_are_counted(
    settings: Settings, provider: ScriptedOpenAI
) -> None:
    provider.script(CHAT, using(words("We ", "open."), 120, 4))
    with metering() as meter:
        in_a_call(settings, Told(), lambda call: call.words())
    model = Model("llm", THEIRS, "large")
    assert without_times(meter.usage) == {model: Amounts(1, 120, 4, characters=8)}
    assert provider.asked(CHAT)[0].body["stream_options"] == {"include_usage": True}


@dataclass
class Written:
    """Who answers questions in writing, with an LLM and a base that knows one thing."""

    provider: ScriptedOpenAI
    answerer: Answerer

    def usage(self) -> Usage:
        """Return what an answer has taken, as it travels."""
        request = asked_question("session_1753590741399_k3f9a0z81qxe", "We open at nine?")
        response = answer_request(request)
        assert response.status is Status.SUCCESS
        return Usage.from_json(response.usage or {})


@pytest.fixture
def written(
    make_settings: MakeSettings, provider: ScriptedOpenAI, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Written]:
    settings = make_settings(
        embeddings_url=provider.url,
        embeddings_model="words-1",
        llm_url=provider.url,
        llm_model="large",
        provider_stall_seconds=1.0,
    )
    finder = Finder(settings, Embedder(settings))
    finder.writer.add("sample", [PASSAGE])
    answerer = Answerer(settings)
    monkeypatch.setattr(answering, "answerer", lambda: answerer)
    yield Written(provider, answerer)
    answerer.close()
    finder.close()


def test_answer_in_writing_when_an_llm_words_it_then_says_what_it_took(written: Written) -> None:
    written.provider.script(CHAT, using(words("At ", "nine."), 300, 5))
    found = without_times(written.usage())
    assert found[Model("llm", THEIRS, "large")] == Amounts(1, 300, 5, characters=8)
    looked_up = found[Model("embeddings", THEIRS, "words-1")]
    assert looked_up.requests >= 1
    assert looked_up.characters >= len("We open at nine?")


def test_answer_in_writing_when_the_llm_fails_then_it_was_asked_all_the_same(
    written: Written,
) -> None:
    written.provider.script(CHAT, error(500))
    assert without_times(written.usage())[Model("llm", THEIRS, "large")] == Amounts(1)


def test_plugin_when_it_listens_all_the_time_then_what_it_heard_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(PLUGINS))
    ears = importlib.import_module("livekit.plugins.scripted_ears").STT()
    ears.script.append("Yes.")
    standby: Standby[stt.STT] = Standby(Slot.STT, ears, settings_with(), Told())

    async def call() -> None:
        async with StreamedHearing(standby, ears).stream() as stream:
            for _ in range(10):
                stream.push_frame(rtc.AudioFrame(bytes(3200), 16_000, 1, 1600))
            stream.flush()
            async for _ in stream:
                stream.end_input()

    with metering() as meter:
        asyncio.run(call())
    assert meter.usage.models == {Model("stt", "unknown", "unknown"): Amounts(1, audio_ms=1000)}
