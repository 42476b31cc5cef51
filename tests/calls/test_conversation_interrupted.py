"""A caller breaks in on an agent: with words it stops for them, with a mere noise it goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.fixtures.house import House
from tests.support.conversation import Conversation, conversing
from tests.support.noises import clicks, cough
from tests.support.speech import Samples

LONG = (
    "Welcome to our front desk where you can ask me about rooms and breakfast and parking and "
    "trains and museums and markets and everything else that a visitor could ever want to know"
)


def test_caller_when_it_interrupts_then_the_agent_stops_and_answers_that(house: House) -> None:
    async def call() -> tuple[Conversation, dict[str, Any]]:
        async with conversing(house, openingLine=LONG) as talk:
            await talk.caller.stay(1.5)
            speech = await talk.speech("Excuse me, where is your shop?")
            said = await talk.caller.say(speech)
            silent = await talk.caller.hears_silence_after(said.began, pause=0.6)
            # It stopped while it was being spoken to, and not because it had no more to say.
            assert silent < said.ended
            await talk.caller.hears_answer_to(said)
            await talk.wait_for_said("agent", 2)
            return talk, await talk.end()

    talk, shown = asyncio.run(call())
    opening, question, answer = shown["transcript"]
    assert opening["interrupted"]
    assert LONG.startswith(opening["text"])
    assert len(opening["text"]) < len(LONG)
    assert "shop" in question["text"].lower()
    assert "Maple Street" in answer["text"]
    assert not answer["interrupted"]
    assert talk.said("agent") == [opening["text"], answer["text"]]


@pytest.mark.parametrize("noise", [cough(), clicks()], ids=["cough", "clicks"])
def test_agent_when_there_is_only_a_noise_then_goes_on(house: House, noise: Samples) -> None:
    async def call() -> list[dict[str, Any]]:
        async with conversing(house, openingLine=LONG) as talk:
            await talk.caller.stay(1.5)
            await talk.caller.say(noise)
            assert await talk.wait_for_said("agent", 1, within=40) == [LONG]
            assert talk.said("caller") == []
            return (await talk.end())["transcript"]

    [opening] = asyncio.run(call())
    assert (opening["text"], opening["interrupted"]) == (LONG, False)


def test_agent_when_the_caller_only_shows_that_they_listen_then_goes_on(house: House) -> None:
    async def call() -> list[dict[str, Any]]:
        async with conversing(house, openingLine=LONG) as talk:
            await talk.caller.stay(1.5)
            said = await talk.caller.say(await talk.speech("Okay."))
            assert await talk.caller.hears_silence_after(said.began, pause=0.3) < said.ended + 2
            assert await talk.wait_for_said("agent", 1, within=40) == [LONG]
            assert talk.said("caller") == []
            return (await talk.end())["transcript"]

    [opening] = asyncio.run(call())
    assert (opening["text"], opening["interrupted"]) == (LONG, False)


def test_call_when_the_line_is_open_but_silent_then_it_ends_by_idle_timeout(house: House) -> None:
    async def call() -> str:
        async with conversing(house) as talk:
            await asyncio.to_thread(house.wait_for_state, talk.session_id, "ended", 40)
        return talk.session_id

    shown = house.show(asyncio.run(call()))
    assert shown["reason"] == "idle_timeout"
    assert [turn["role"] for turn in shown["transcript"]] == ["assistant"]
