"""A provider errs, stalls or hangs up: who does its work, and what is told of it?"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import APIError, llm, tts, utils

from agents.knowledge.answering import Answerer, Question
from agents.providers import (
    Clients,
    Thinker,
    build_clients,
    describe,
    make_llm,
    make_stt_plugin,
    make_transcriber,
    make_tts,
)
from agents.providers.wording import Wording
from sessions.errors import ConfigurationError, ProviderError
from sessions.providers import Slot
from sessions.questions.tasks import SMALL_TALK
from sessions.settings import Settings
from tests.support.ports import free_port
from tests.support.scripted_answers import (
    Answer,
    cut,
    error,
    late,
    speech,
    stalling,
    tool_call,
    transcript,
    words,
)
from tests.support.scripted_openai import (
    CHAT,
    HEARING,
    SPEECH,
    ScriptedOpenAI,
    scripted_openai,
)
from tests.support.settings import settings_with

PLUGINS = Path(__file__).parents[1] / "support" / "plugins"
OWN_HZ = 200.0
STALL = 1.5

T = TypeVar("T")


@dataclass
class Told:
    """What a call would be told."""

    failures: list[tuple[str, bool]] = field(default_factory=list[tuple[str, bool]])
    given_up: list[str] = field(default_factory=list[str])
    owes_apology: bool = False

    def failed(self, slot: Slot, error: Exception, replaced: bool) -> None:
        self.owes_apology = True
        self.failures.append((describe(slot, error), replaced))

    def gave_up(self, slot: Slot, error: Exception) -> None:
        self.given_up.append(slot)


@pytest.fixture
def provider() -> Iterator[ScriptedOpenAI]:
    """The server that is configured."""
    with scripted_openai() as server:
        yield server


@pytest.fixture
def own() -> Iterator[ScriptedOpenAI]:
    """The house's own server; it speaks lower than the other."""
    with scripted_openai() as server:
        server.usual[SPEECH] = speech(0.5, OWN_HZ)
        server.usual[HEARING] = transcript("Heard at home.")
        yield server


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def settings(provider: ScriptedOpenAI, own: ScriptedOpenAI) -> Settings:
    return settings_of(provider, own)


def settings_of(provider: ScriptedOpenAI, own: ScriptedOpenAI, **more: object) -> Settings:
    """Return settings of a house whose slots all go to ``provider``."""
    slots = {f"{slot}_url": provider.url for slot in ("stt", "tts", "llm")}
    models = {f"{slot}_model": "large" for slot in ("stt", "tts", "llm")}
    values: dict[str, Any] = {
        **slots,
        **models,
        "inference_url": own.url,
        "tts_provider": "openai",
        "provider_stall_seconds": STALL,
        "provider_patience_seconds": 10.0,
        "provider_cooldown_seconds": 60.0,
        "apology_line": "Sorry.",
    }
    return settings_with(**{**values, **more})


@dataclass
class Call:
    """What a test does with the providers of one call."""

    settings: Settings
    told: Told
    clients: Clients

    def speech(self) -> tts.TTS:
        return make_tts(self.settings, self.clients, "Craig", self.told)

    async def say(self, *texts: str, pause: float = 0.0) -> list[list[float]]:
        """Return for each text the pitches heard one after the other, in Hz."""
        async with self.speech() as speech:
            heard: list[list[float]] = []
            for text in texts:
                heard.append(await pitches(speech, text))
                await asyncio.sleep(pause)
            return heard

    async def hear(self, times: int = 1, language: str = "en-GB") -> list[str]:
        """Return what is understood of as many utterances."""
        ears = make_transcriber(self.settings, self.clients, self.told)
        frame = rtc.AudioFrame(bytes(32_000), 16_000, 1, 16_000)
        events = [await ears.recognize(frame, language=language) for _ in range(times)]
        return [event.alternatives[0].text for event in events]

    async def words(self, times: int = 1) -> list[str]:
        """Return the answers to as many questions, in the LLM's words or those of a passage."""
        thinker = self.thinker()
        said: list[str] = []
        for _ in range(times):
            words = [word async for word in thinker.words(question(), "We open at nine.")]
            said.append(" ".join("".join(words).split()))
        await thinker.aclose()
        return said

    async def chat(self) -> tuple[str, list[str]]:
        """Return the words and the function calls of an answer that nothing stands in for."""
        said, called = "", list[str]()
        async with self.thinker() as thinker, thinker.chat(chat_ctx=question()) as stream:
            async for chunk in stream:
                if chunk.delta:
                    said += chunk.delta.content or ""
                    called += [call.name for call in chunk.delta.tool_calls]
        return " ".join(said.split()), called

    def thinker(self) -> Thinker:
        thinker = make_llm(self.settings, self.clients, self.told)
        assert thinker is not None
        return thinker


def in_a_call(settings: Settings, told: Told, work: Callable[[Call], Awaitable[T]]) -> T:
    """Return what ``work`` returns in a call with these providers."""

    async def call() -> T:
        clients = build_clients(settings)
        try:
            async with utils.http_context.open():
                return await work(Call(settings, told, clients))
        finally:
            await clients.aclose()

    return asyncio.run(call())


async def pitches(speech: tts.TTS, text: str) -> list[float]:
    async with speech.synthesize(text) as stream:
        frames = [audio.frame async for audio in stream]
    samples = np.frombuffer(rtc.combine_audio_frames(frames).data, np.int16).astype(float)
    heard: list[float] = []
    for window in samples[: samples.size // 2400 * 2400].reshape(-1, 2400):
        pitch = float(np.abs(np.fft.rfft(window)).argmax() * 10)
        if not heard or heard[-1] != pitch:
            heard.append(pitch)
    return heard


def question() -> llm.ChatContext:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="When do you open?")
    return context


def test_speech_when_the_provider_is_well_then_it_speaks_alone(
    settings: Settings, provider: ScriptedOpenAI, own: ScriptedOpenAI, told: Told
) -> None:
    assert in_a_call(settings, told, lambda call: call.say("Hello there.")) == [[440.0]]
    body = provider.asked(SPEECH)[0].body
    assert (body["voice"], body["model"], body["input"]) == ("onyx", "large", "Hello there.")
    assert not own.received
    assert not told.failures


@pytest.mark.parametrize(
    ("bad", "heard_of_it", "what"),
    [
        (error(500), False, "answered with status 500"),
        (stalling(speech(1.0)), False, f"was silent for {STALL:g} s"),
        (cut(speech(1.0)), False, "could not be reached, or hung up"),
        (Answer([], "audio/pcm"), False, "gave an answer of no use"),
        (stalling(speech(2.0), 15), True, f"was silent for {STALL:g} s"),
        (cut(speech(2.0), 15), True, "could not be reached, or hung up"),
    ],
    ids=[
        "errs",
        "stalls before",
        "hangs up before",
        "says nothing",
        "stalls in the middle",
        "is cut",
    ],
)
def test_speech_when_the_provider_fails_then_the_house_says_the_sentence_again(
    settings: Settings,
    provider: ScriptedOpenAI,
    own: ScriptedOpenAI,
    told: Told,
    bad: Answer,
    heard_of_it: bool,
    what: str,
) -> None:
    provider.script(SPEECH, speech(0.5), bad)
    first, second = "This is the first sentence.", "This is the second sentence."

    third = "And this is another one."
    heard, later = in_a_call(settings, told, lambda call: call.say(f"{first} {second}", third))
    assert heard == [440.0, OWN_HZ]
    assert told.failures == [(f"The provider that speaks {what}.", True)]
    said_at_home = [request.body["input"].strip() for request in own.asked(SPEECH)]
    assert said_at_home == ["Sorry.", second, third]
    assert own.asked(SPEECH)[0].body["voice"] == "Craig"
    assert later == [OWN_HZ], "it rests"
    assert len(provider.asked(SPEECH)) == 2
    assert not told.given_up
    assert not told.owes_apology


def test_speech_when_nothing_was_heard_yet_then_nobody_apologises(
    settings: Settings, provider: ScriptedOpenAI, own: ScriptedOpenAI, told: Told
) -> None:
    provider.script(SPEECH, error(500))

    in_a_call(settings, told, lambda call: call.say("Hello there."))
    assert [request.body["input"] for request in own.asked(SPEECH)] == ["Hello there."]
    assert not told.owes_apology


def test_speech_when_the_provider_has_rested_then_it_is_asked_again(
    provider: ScriptedOpenAI, own: ScriptedOpenAI, told: Told
) -> None:
    settings = settings_of(provider, own, provider_cooldown_seconds=1.0)
    provider.script(SPEECH, error(500), error(500))

    heard = in_a_call(settings, told, lambda call: call.say("1.", "2.", "3.", "4.", pause=1.1))
    assert heard == [[OWN_HZ], [OWN_HZ], [OWN_HZ], [440.0]]
    assert len(provider.asked(SPEECH)) == 3, "the second rest was twice as long"
    assert [replaced for _, replaced in told.failures] == [True, True]


def test_speech_when_only_the_house_speaks_and_it_comes_back_then_the_sentence_is_said_late(
    told: Told,
) -> None:
    port = free_port()
    settings = settings_with(
        inference_url=f"http://127.0.0.1:{port}/v1", provider_patience_seconds=20
    )
    stop = threading.Event()

    def come_back() -> None:
        time.sleep(1.0)
        with scripted_openai(port):
            stop.wait(30)

    thread = threading.Thread(target=come_back)
    thread.start()

    try:
        assert in_a_call(settings, told, lambda call: call.say("Hello there.")) == [[440.0]]
    finally:
        stop.set()
        thread.join()
    assert told.failures == [("The provider that speaks could not be reached, or hung up.", False)]
    assert not told.given_up


def test_speech_when_nobody_can_speak_then_gives_up_after_the_patience(
    provider: ScriptedOpenAI, own: ScriptedOpenAI, told: Told
) -> None:
    settings = settings_of(provider, own, provider_patience_seconds=3)
    provider.usual[SPEECH] = own.usual[SPEECH] = error(503)

    began = time.monotonic()
    with pytest.raises(APIError):
        in_a_call(settings, told, lambda call: call.say("Hello there."))
    assert time.monotonic() - began > 0.5
    assert told.given_up == [Slot.TTS]
    assert [replaced for _, replaced in told.failures] == [True, False]
    assert len(provider.asked(SPEECH)) > 1, "where nobody works nobody rests"


@pytest.mark.parametrize(
    "bad", [error(500), error(401), stalling(transcript("")), cut(transcript(""))]
)
def test_hearing_when_the_provider_fails_then_the_house_hears_the_same_words(
    settings: Settings, provider: ScriptedOpenAI, own: ScriptedOpenAI, told: Told, bad: Answer
) -> None:
    provider.script(HEARING, bad)

    assert in_a_call(settings, told, lambda call: call.hear(times=2)) == [
        "Heard at home.",
        "Heard at home.",
    ]
    assert len(provider.asked(HEARING)) == 1, "it rests"
    assert [replaced for _, replaced in told.failures] == [True]
    sent, at_home = provider.asked(HEARING)[0].body, own.asked(HEARING)[0].body
    assert sent["file"] == at_home["file"]
    assert (sent["model"], sent["language"]) == ("large", "en")
    assert told.owes_apology, "whoever speaks next says it"


def test_hearing_when_the_language_is_refused_then_it_is_heard_as_english(
    settings: Settings, provider: ScriptedOpenAI, told: Told
) -> None:
    provider.script(HEARING, error(400), transcript("Hello."))

    assert in_a_call(settings, told, lambda call: call.hear(language="yue")) == ["Hello."]
    assert [one.body["language"] for one in provider.asked(HEARING)] == ["yue", "en"]
    assert told.failures == []


def test_hearing_when_it_is_slow_and_nobody_stands_in_then_it_has_longer_the_second_time(
    provider: ScriptedOpenAI, own: ScriptedOpenAI, told: Told
) -> None:
    settings = settings_of(provider, own, stt_url="", stt_model="")
    own.usual[HEARING] = late(own.usual[HEARING], STALL + 1)

    assert in_a_call(settings, told, lambda call: call.hear()) == ["Heard at home."]
    assert len(own.asked(HEARING)) == 2
    assert [replaced for _, replaced in told.failures] == [False]
    assert told.given_up == []


def test_hearing_when_nobody_hears_then_nothing_was_said_and_the_call_is_told(
    provider: ScriptedOpenAI, own: ScriptedOpenAI, told: Told
) -> None:
    settings = settings_of(provider, own, provider_patience_seconds=0.6)
    provider.usual[HEARING] = own.usual[HEARING] = error(500)

    assert in_a_call(settings, told, lambda call: call.hear()) == [""]
    assert told.given_up == [Slot.STT]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (words("We", " open", " at eight."), "We open at eight."),
        (error(500), "Sorry. We open at nine."),
        (stalling(words("We")), "Sorry. We open at nine."),
        (stalling(words("We", " open"), 3), "We open Sorry. We open at nine."),
        (cut(words("We", " open"), 3), "We open Sorry. We open at nine."),
    ],
    ids=["is well", "errs", "stalls before", "stalls in the middle", "is cut"],
)
def test_thinking_when_the_provider_fails_then_the_passage_is_said(
    settings: Settings, provider: ScriptedOpenAI, told: Told, bad: Answer, said: str
) -> None:
    provider.script(CHAT, bad)

    assert in_a_call(settings, told, lambda call: call.words()) == [said]
    assert [replaced for _, replaced in told.failures] == ([] if "eight" in said else [True])
    assert not told.given_up
    assert not told.owes_apology


def test_thinking_when_the_provider_rests_then_passages_are_said_without_apology(
    settings: Settings, provider: ScriptedOpenAI, told: Told
) -> None:
    provider.script(CHAT, error(500))

    said = in_a_call(settings, told, lambda call: call.words(times=2))
    assert said == ["Sorry. We open at nine.", "We open at nine."]
    assert len(provider.asked(CHAT)) == 1


def test_thinking_when_an_agent_of_ones_own_waits_then_its_llm_is_asked_again(
    settings: Settings, provider: ScriptedOpenAI, told: Told
) -> None:
    provider.script(CHAT, error(500), tool_call("weather", city="Bonn"))

    assert in_a_call(settings, told, lambda call: call.chat()) == ("Sorry.", ["weather"])
    assert [replaced for _, replaced in told.failures] == [False]


def test_thinking_when_it_is_cut_and_nothing_stands_in_then_nothing_is_said_twice(
    settings: Settings, provider: ScriptedOpenAI, told: Told
) -> None:
    provider.script(CHAT, cut(words("We", " open"), 3))

    assert in_a_call(settings, told, lambda call: call.chat()) == ("We open Sorry.", [])
    assert len(provider.asked(CHAT)) == 1


def test_thinking_when_nobody_thinks_then_gives_up_after_the_patience(
    provider: ScriptedOpenAI, own: ScriptedOpenAI, told: Told
) -> None:
    settings = settings_of(provider, own, provider_patience_seconds=0.6)
    provider.usual[CHAT] = error(500)

    with pytest.raises(APIError):
        in_a_call(settings, told, lambda call: call.chat())
    assert told.given_up == [Slot.LLM]


def test_thinking_when_no_llm_is_configured_then_there_is_none(told: Told) -> None:
    settings = settings_with()
    assert make_llm(settings, build_clients(settings), told) is None


@pytest.fixture
def plugin(
    monkeypatch: pytest.MonkeyPatch, provider: ScriptedOpenAI, own: ScriptedOpenAI
) -> Settings:
    """Settings of a house in which the plugin `scripted` speaks and thinks."""
    monkeypatch.syspath_prepend(str(PLUGINS))
    monkeypatch.setenv("SCRIPTED_URL", provider.url)
    return settings_with(
        tts_plugin="scripted",
        tts_provider="openai",
        tts_key="k-1",
        llm_plugin="scripted",
        llm_key="k-2",
        llm_model="larger",
        inference_url=own.url,
        provider_stall_seconds=STALL,
        apology_line="Sorry.",
    )


def test_plugin_when_it_speaks_and_thinks_then_has_its_key_voice_and_model(
    plugin: Settings, provider: ScriptedOpenAI, told: Told
) -> None:
    assert in_a_call(plugin, told, lambda call: call.say("Hello there.")) == [[440.0]]
    assert in_a_call(plugin, told, lambda call: call.words()) == ["Good to know."]
    spoken, thought = provider.asked(SPEECH)[0], provider.asked(CHAT)[0]
    assert (spoken.key, spoken.body["voice"]) == ("k-1", "onyx")
    assert (thought.key, thought.body["model"]) == ("k-2", "larger")


def test_plugin_when_it_fails_then_the_house_stands_in(
    plugin: Settings, provider: ScriptedOpenAI, told: Told
) -> None:
    provider.usual[SPEECH] = stalling(speech(1.0), 0)

    assert in_a_call(plugin, told, lambda call: call.say("Hello there.")) == [[OWN_HZ]]
    assert [replaced for _, replaced in told.failures] == [True]


def test_plugin_when_it_lacks_its_key_then_the_start_says_which_setting(
    plugin: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SCRIPTED_API_KEY", raising=False)
    without = settings_with(llm_plugin="scripted", inference_url=plugin.inference_url)
    with pytest.raises(ConfigurationError, match="SWITCHBOARD_LLM_KEY") as caught:
        build_clients(without)
    assert "an API key is needed" in str(caught.value)


def test_plugin_when_none_hears_then_there_is_no_stream(settings: Settings, told: Told) -> None:
    from livekit.agents import inference

    assert make_stt_plugin(settings, build_clients(settings), inference.VAD(), told) is None


@pytest.fixture
def wording(plugin: Settings) -> Iterator[Wording]:
    """The same plugin where there is no call."""
    wording = Wording(plugin)
    yield wording
    wording.close()


def asked_of(wording: Wording) -> str:
    return "".join(wording.words([{"role": "user", "content": "When do you open?"}]))


def test_wording_when_asked_from_many_threads_then_each_gets_its_answer(
    wording: Wording, provider: ScriptedOpenAI
) -> None:
    provider.script(CHAT, *[words(f"Answer {n}", ".") for n in range(8)])
    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(lambda _: asked_of(wording), range(8)))
    assert sorted(said) == [f"Answer {n}." for n in range(8)]
    assert provider.asked(CHAT)[0].body["messages"][0]["content"] == "When do you open?"


@pytest.mark.parametrize("bad", [error(500), stalling(words("We")), cut(words("We", " open"), 2)])
def test_wording_when_the_plugin_fails_then_says_what_it_did(
    wording: Wording, provider: ScriptedOpenAI, bad: Answer
) -> None:
    provider.script(CHAT, bad)
    with pytest.raises(ProviderError, match="The provider that thinks"):
        asked_of(wording)


def test_wording_when_given_to_the_answerer_then_chats_have_its_words(
    wording: Wording, plugin: Settings, provider: ScriptedOpenAI
) -> None:
    small_talk = Question(message="Hi there!", task_type=SMALL_TALK)
    assert Answerer(plugin, wording.words).answer(small_talk).response == "Good to know."
    provider.script(CHAT, error(500))
    without = Answerer(plugin).answer(small_talk).response
    assert Answerer(plugin, wording.words).answer(small_talk).response == without
