"""A provider errs or stalls in the middle of a call: what do the caller and others hear?

Every slot is served by a scripted server; the house's own model server stands in.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import numpy as np
import pytest

from sessions.states import Reason
from tests.fixtures.house import House
from tests.support.annex import Annex, annex
from tests.support.caller import calling
from tests.support.eventually import eventually
from tests.support.line import Line, dial
from tests.support.scripted_answers import Answer, error, speech, stalling, words
from tests.support.scripted_openai import CHAT, HEARING, SPEECH, ScriptedOpenAI, scripted_openai
from tests.support.speech import RATE, Samples, Words, spoken

SORRY = "Sorry, that took too long."
TWO_SENTENCES = "Good morning and welcome to the library. Please tell me what you are looking for."
QUESTION = "What are your opening hours?"
ANSWER = "from nine in the morning until six"
STALL = 3.0
"""Of the house too, which has two cores for everybody here."""


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedOpenAI]:
    """The server that hears, speaks and thinks until a script says otherwise."""
    with scripted_openai() as server:
        yield server


@pytest.fixture(scope="module")
def small(house: House, provider: ScriptedOpenAI) -> Iterator[Annex]:
    """A small house that leaves hearing, speaking and thinking to that server."""
    slots = {f"{slot}_url": provider.url for slot in ("stt", "tts", "llm")}
    models = {f"{slot}_model": "scripted" for slot in ("stt", "tts", "llm")}
    with annex(
        house,
        **slots,
        **models,
        tts_provider="openai",
        provider_stall_seconds=STALL,
        apology_line=SORRY,
        idle_timeout_seconds=60,
        join_timeout_seconds=60,
    ) as small:
        yield small


@pytest.fixture(autouse=True)
def no_script(provider: ScriptedOpenAI) -> Iterator[None]:
    """Let what a test has scripted be forgotten after it."""
    yield
    provider.reset()


def tone_in(samples: Samples) -> bool:
    """Tell whether the scripted voice, a tone, is in what was heard."""
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    at = np.fft.rfftfreq(samples.size, 1 / RATE)
    near = (at > 430) & (at < 450)
    return bool(spectrum[near].sum() > 0.3 * spectrum.sum())


@pytest.mark.parametrize(
    "bad", [error(500), stalling(speech(3.0), 8)], ids=["errs", "stalls in the middle"]
)
def test_speech_when_it_fails_then_the_house_apologises_and_says_the_sentence(
    house: House, small: Annex, provider: ScriptedOpenAI, bad: Answer
) -> None:
    voice = house.settings.inference_url

    async def call() -> str:
        session = await dial(small, TWO_SENTENCES)
        async with calling(small.ticket(session)) as caller:
            line = Line(small, session, caller)
            await caller.hears_silence_after(await caller.hears_after(0.0), pause=1.0)
            assert tone_in(caller.hearing.between(0.0))
            provider.script(SPEECH, bad)
            moment = await asyncio.to_thread(line.tell, "The reading room is on the second floor.")
            heard = await line.hears_from(moment, voice)
            assert "took too long" in heard
            assert "reading room is on the second floor" in heard
            told = line.errors()[0]
            assert (told["code"], told["slot"]) == ("provider_error", "tts")
            assert told["replaced"] is True
            assert "500" in told["message"] or "silent" in told["message"]
            # The provider rests: the next sentence does not even ask it.
            asked = len(provider.asked(SPEECH))
            moment = await asyncio.to_thread(line.tell, "It closes at noon on Sundays.")
            assert "closes at noon" in await line.hears_from(moment, voice)
            assert len(provider.asked(SPEECH)) == asked
        return session.id

    ended = small.wait_until_archived(asyncio.run(call()))
    assert (ended.reason, ended.recoveries) == (Reason.USER_LEFT, 0)


def test_hearing_when_it_fails_then_the_house_hears_the_same_words(
    house: House, small: Annex, provider: ScriptedOpenAI
) -> None:
    voice = house.settings.inference_url
    question = spoken(voice, "Can you tell me where the reading room is?", "Wendy")

    async def call() -> None:
        session = await dial(small, "Hello.")
        async with calling(small.ticket(session), with_microphone=True) as caller:
            line = Line(small, session, caller)
            await caller.hears_silence_after(await caller.hears_after(0.0), pause=1.0)
            provider.usual[HEARING] = error(503)
            said = await caller.say(question)
            await caller.hears_after(said.ended)
            await asyncio.to_thread(
                eventually, lambda: line.said("caller"), 20, "the caller is understood"
            )
            assert "where the reading room is" in Words(" ".join(line.said("caller")))
            told = line.errors()[0]
            assert (told["slot"], told["replaced"]) == ("stt", True)

    asyncio.run(call())


def test_thinking_when_it_stalls_then_an_apology_and_a_passage_are_said(
    house: House, small: Annex, provider: ScriptedOpenAI
) -> None:
    question = spoken(house.settings.inference_url, QUESTION, "Wendy")

    async def call() -> None:
        session = await dial(small, "Hello.")
        async with calling(small.ticket(session), with_microphone=True) as caller:
            line = Line(small, session, caller)
            await caller.hears_silence_after(await caller.hears_after(0.0), pause=1.0)
            provider.usual[HEARING] = Answer([json.dumps({"text": QUESTION}).encode()])
            provider.usual[CHAT] = stalling(words("You", " can"), 2)
            said = await caller.say(question)
            await caller.hears_after(said.ended)
            await asyncio.to_thread(
                eventually, lambda: len(line.said("agent")) > 1, 20, "the agent has answered"
            )
            answer = line.said("agent")[-1]
            assert SORRY in answer
            assert ANSWER in answer.lower()
            assert ("llm", True) in [(e["slot"], e["replaced"]) for e in line.errors()]

    asyncio.run(call())
