"""A provider errs, stalls or goes away in the middle of a call: what do the caller and others hear?

Every slot is served by a scripted server; the house's own model server stands in.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from sessions.keys import SessionKeys
from sessions.models import Session
from sessions.states import Fault, Reason
from tests.fixtures.house import House
from tests.support.annex import Annex, annex
from tests.support.caller import Caller, calling
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.scripted_answers import Answer, error, speech, stalling, words
from tests.support.scripted_openai import CHAT, HEARING, SPEECH, ScriptedOpenAI, scripted_openai
from tests.support.speech import RATE, Samples, spoken, understood

SORRY = "Sorry, that took too long."
TWO_SENTENCES = "Good morning and welcome to the library. Please tell me what you are looking for."
QUESTION = "What are your opening hours?"
ANSWER = "from nine in the morning until six"
STALL = 2.0


@dataclass
class Line:
    """A call in progress, from both of its ends."""

    small: Annex
    session: Session
    caller: Caller

    def tell(self, text: str) -> float:
        """Let the agent say something; return the moment."""
        order: dict[Any, Any] = {"command": "say", "data": json.dumps({"text": text})}
        self.small.context.redis.xadd(SessionKeys.of(self.session.id).control, order)
        return time.monotonic()

    def errors(self) -> list[dict[str, Any]]:
        """Return the errors that everybody who follows the session is told."""
        events = self.small.events(self.session.id)
        return [dict(event.data) for event in events if event.type == "error"]

    def said(self, speaker: str) -> list[str]:
        """Return what one side has said, as the events tell it."""
        told = [e.data for e in self.small.events(self.session.id) if e.type == "transcript"]
        return [data["text"] for data in told if data["final"] and data["speaker"] == speaker]

    async def hears_from(self, moment: float, house: House) -> str:
        """Return the words that are heard from a moment to the next pause."""
        began = await self.caller.hears_after(moment)
        ended = await self.caller.hears_silence_after(began, pause=2.5)
        return await self.understands(self.caller.hearing.between(began - 0.2, ended + 0.2), house)

    async def understands(self, samples: Samples, house: House) -> str:
        return await asyncio.to_thread(understood, house.settings.inference_url, samples)


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


async def dial(small: Annex, line: str) -> Session:
    session = await asyncio.to_thread(small.start, openingLine=line, voiceId="Craig")
    await asyncio.to_thread(small.wait_until_ready, session)
    return session


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
    async def call() -> str:
        session = await dial(small, TWO_SENTENCES)
        async with calling(small.ticket(session)) as caller:
            line = Line(small, session, caller)
            await caller.hears_silence_after(await caller.hears_after(0.0), pause=1.0)
            assert tone_in(caller.hearing.between(0.0))
            provider.script(SPEECH, bad)
            moment = await asyncio.to_thread(line.tell, "The reading room is on the second floor.")
            heard = await line.hears_from(moment, house)
            assert "took too long" in heard
            assert "reading room is on the second floor" in heard
            [told] = line.errors()
            assert (told["code"], told["slot"]) == ("provider_error", "tts")
            assert told["replaced"] is True
            assert "500" in told["message"] or "silent" in told["message"]
            # The provider rests: the next sentence does not even ask it.
            asked = len(provider.asked(SPEECH))
            moment = await asyncio.to_thread(line.tell, "It closes at noon on Sundays.")
            assert "closes at noon" in await line.hears_from(moment, house)
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
            assert "where the reading room is" in " ".join(line.said("caller")).lower()
            assert [(e["slot"], e["replaced"]) for e in line.errors()] == [("stt", True)]

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


@pytest.fixture(scope="module")
def alone(house: House) -> Iterator[tuple[Annex, int]]:
    """A small house whose own model server, which nobody stands in for, is at the port."""
    port = free_port()
    with annex(
        house,
        inference_url=f"http://127.0.0.1:{port}/v1",
        provider_stall_seconds=STALL,
        provider_patience_seconds=8,
        apology_line=SORRY,
        idle_timeout_seconds=60,
        join_timeout_seconds=60,
    ) as small:
        yield small, port


def test_speech_when_the_house_is_away_for_a_moment_then_the_sentence_is_said_late(
    alone: tuple[Annex, int],
) -> None:
    small, port = alone
    running = ExitStack()

    async def call() -> str:
        session = await dial(small, "Hello.")
        async with calling(small.ticket(session)) as caller:
            line = Line(small, session, caller)
            await caller.hears_silence_after(await caller.hears_after(0.0), pause=1.0)
            running.close()
            moment = await asyncio.to_thread(line.tell, "It closes at six.")
            await asyncio.to_thread(eventually, line.errors, 20, "the trouble is told")
            back = running.enter_context(scripted_openai(port))
            await caller.hears_after(moment)
            await caller.hears_silence_after(moment, pause=1.0)
            assert [one.body["input"] for one in back.asked(SPEECH)] == [SORRY, "It closes at six."]
            assert [(e["slot"], e["replaced"]) for e in line.errors()] == [("tts", False)]
        return session.id

    with running:
        running.enter_context(scripted_openai(port))
        ended = small.wait_until_archived(asyncio.run(call()))
    assert ended.reason == Reason.USER_LEFT


def test_speech_when_nobody_can_speak_then_the_call_ends_with_fault_provider(
    alone: tuple[Annex, int],
) -> None:
    small, port = alone
    running = ExitStack()

    async def call() -> str:
        session = await dial(small, "Hello.")
        async with calling(small.ticket(session)) as caller:
            line = Line(small, session, caller)
            await caller.hears_silence_after(await caller.hears_after(0.0), pause=1.0)
            running.close()
            await asyncio.to_thread(line.tell, "It closes at six.")
            await asyncio.to_thread(small.wait_until_archived, session.id)
        return session.id

    with running:
        running.enter_context(scripted_openai(port))
        ended = small.wait_until_archived(asyncio.run(call()))
    assert (ended.reason, ended.fault) == (Reason.PROVIDER_ERROR, Fault.PROVIDER)
    assert "speaks" in str(ended.detail)
