"""A caller talks with an agent: asks, hears the answer, is silent, and hangs up when they like."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from tests.fixtures.house import House
from tests.support.conversation import Conversation, conversing
from tests.support.speech import Words


def test_caller_when_it_asks_then_hears_the_right_answer_and_may_ask_again(house: House) -> None:
    async def call() -> tuple[Conversation, dict[str, Any]]:
        async with conversing(house) as talk:
            await talk.caller.wait_for_quiet()
            hours = await talk.ask("What are your opening hours?")
            assert "saturday" in hours
            address = await talk.ask("Where is your shop?", voice="Craig")
            assert "maple street" in address
            await talk.wait_for_said("agent", 3)
            return talk, await talk.end()

    talk, shown = asyncio.run(call())
    assert_both_sides_were_told(talk)
    assert_answers_name_their_sources(talk)
    turns = [(turn["role"], turn["interrupted"]) for turn in shown["transcript"]]
    assert turns == [("assistant", False), *[("user", False), ("assistant", False)] * 2]
    assert [turn["text"] for turn in shown["transcript"][1::2]] == talk.said("caller")


def assert_both_sides_were_told(talk: Conversation) -> None:
    """Each side's words while they are said and when they have been, and what the agent did."""
    for question, words in zip(talk.said("caller"), ("opening hours", "shop"), strict=True):
        assert words in Words(question)
        assert question in talk.said("caller", final=False)
    for answer in talk.said("agent"):
        partials = [text for text in talk.said("agent", final=False) if answer.startswith(text)]
        assert partials
        assert partials == sorted(partials, key=len)
    states = [data["state"] for data in talk.data("agent_state")]
    turn = ["listening", "thinking", "speaking"]
    assert states == ["listening", "speaking", *turn, *turn, "listening"]


def assert_answers_name_their_sources(talk: Conversation) -> None:
    """One ``agent_response`` for each answer, none for the opening line."""
    answers = talk.data("agent_response")
    assert [answer["response"] for answer in answers] == talk.said("agent")[1:]
    assert all(answer["sources"] for answer in answers)
    assert not any(answer["requires_human_handoff"] for answer in answers)


def test_caller_when_nothing_is_known_of_it_then_is_told_so_and_offered_a_person(
    house: House,
) -> None:
    async def call() -> Mapping[str, Any]:
        async with conversing(house) as talk:
            await talk.caller.wait_for_quiet()
            heard = await talk.ask("Who won the football championship last year?")
            assert "do not know" in heard
            await talk.wait_for_said("agent", 2)
            [answer] = talk.data("agent_response")
            await talk.end()
        return answer

    answer = asyncio.run(call())
    assert answer["requires_human_handoff"]
    assert "talk_to_human" in answer["suggested_actions"]
    assert answer["sources"] == []


def test_three_callers_when_they_ask_at_once_then_each_hears_its_own_answer(house: House) -> None:
    questions = {
        "What are your opening hours?": "saturday",
        "Where is your shop?": "maple street",
        "What does a basic service cost?": "service",
    }

    async def call(question: str, user: str) -> list[str]:
        async with conversing(house, userName=user) as talk:
            await talk.caller.wait_for_quiet()
            heard = await talk.ask(question)
            assert questions[question] in heard
            asked = await talk.wait_for_said("caller", 1)
            await talk.wait_for_said("agent", 2)
            turns = (await talk.end())["transcript"]
            assert len(turns) == 3
        return asked

    async def all_at_once() -> list[list[str]]:
        calls = (call(question, f"user {n}") for n, question in enumerate(questions))
        return await asyncio.gather(*calls)

    asked = asyncio.run(all_at_once())
    assert [len(texts) for texts in asked] == [1, 1, 1]
    assert len({text for [text] in asked}) == 3


def test_caller_when_it_hangs_up_in_the_middle_of_a_word_then_nothing_is_left(
    house: House,
) -> None:
    async def call() -> Conversation:
        async with conversing(house) as talk:
            await talk.caller.wait_for_quiet()
            speech = await talk.speech("I would like to know everything about your warranty.")
            await talk.caller.say(speech[: speech.size // 2])
        return talk

    talk = asyncio.run(call())
    shown = house.wait_for_state(talk.session_id, "ended")
    assert (shown["reason"], shown["fault"]) == ("user_left", "user")
    assert not house.had_to_kill(talk.session_id)
    house.assert_nothing_is_left()


def test_agent_when_it_is_killed_in_a_conversation_then_the_next_one_answers_and_all_is_kept(
    house: House,
) -> None:
    async def call() -> dict[str, Any]:
        async with conversing(house) as talk:
            await talk.caller.wait_for_quiet()
            await talk.ask("What are your opening hours?")
            await talk.wait_for_said("agent", 2)
            killed = time.monotonic()
            os.kill(house.agent_pid(talk.session_id), signal.SIGKILL)
            back = await talk.caller.hears_after(killed, within=30)
            await talk.caller.hears_silence_after(back, pause=1.0)
            assert "maple street" in await talk.ask("Where is your shop?")
            await talk.wait_for_said("agent", 4)
            return await talk.end()

    shown = asyncio.run(call())
    turns = [(turn["role"], turn["generation"]) for turn in shown["transcript"]]
    first = [("assistant", 1), ("user", 1), ("assistant", 1)]
    assert turns == [*first, ("assistant", 2), ("user", 2), ("assistant", 2)]
