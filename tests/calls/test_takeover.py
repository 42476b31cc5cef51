"""An agent is lost in the middle of a call: another goes on where it was, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from tests.fixtures.house import House
from tests.support.conversation import Conversation, conversing
from tests.support.eventually import eventually
from tests.support.speech import Words, understood

HOURS = "What are your opening hours?"


async def lose(talk: Conversation) -> None:
    """Kill the agent of a call."""
    os.kill(await next_agent(talk, 0), signal.SIGKILL)


async def next_agent(talk: Conversation, before: int) -> int:
    """Return the process that has the call after the one ``before``."""
    [pid] = await until(
        lambda: {talk.house.agent_pid(talk.session_id)} - {0, before}, 20, "another agent"
    )
    return pid


async def hears_the_next(talk: Conversation, pause: float = 1.2) -> Words:
    """Return what a caller hears of the agent that takes over, up to its next long pause."""
    await until(lambda: talk.data("agent_recovered"), 20, "another agent has come")
    began = await talk.caller.hears_after(time.monotonic() - 0.1, within=30)
    ended = await talk.caller.hears_silence_after(began, pause)
    heard = talk.caller.hearing.between(began - 0.2, ended + 0.2)
    return await asyncio.to_thread(understood, talk.house.settings.inference_url, heard)


async def until(check: Callable[[], Any], within: float, what: str) -> Any:
    """Wait for what happens elsewhere while the caller stays on the line."""
    return await asyncio.to_thread(eventually, check, within, what)


def test_agent_when_killed_between_two_questions_then_the_next_says_what_was_asked(
    house: House,
) -> None:
    async def call() -> tuple[Words, Conversation, dict[str, Any]]:
        async with conversing(house) as talk:
            await talk.caller.wait_for_quiet()
            await talk.ask(HOURS)
            await talk.wait_for_said("agent", 2)
            await lose(talk)
            heard = await hears_the_next(talk)
            await talk.wait_for_said("agent", 3)
            return heard, talk, await talk.end()

    heard, talk, shown = asyncio.run(call())
    assert "cut off" in heard
    assert "opening hours" in heard
    [recovering], [recovered] = talk.data("agent_recovering"), talk.data("agent_recovered")
    assert (recovering["cause"], recovering["generation"]) == ("agent_died", 2)
    assert (recovered["cause"], recovered["generation"]) == ("agent_died", 2)
    said = [turn["text"] for turn in shown["transcript"] if turn["generation"] == 2]
    assert said == ["Sorry, I was cut off. You were asking about our opening hours."]


def test_agent_when_killed_in_the_middle_of_its_answer_then_that_is_kept_and_said_again_whole(
    house: House,
) -> None:
    async def call() -> tuple[Words, Conversation, dict[str, Any]]:
        async with conversing(house) as talk:
            await talk.caller.wait_for_quiet()
            said = await talk.caller.say(await talk.speech(HOURS))
            await talk.caller.hears_after(said.ended)
            before = len(talk.said("agent", final=False))
            await until(lambda: len(talk.said("agent", final=False)) > before + 1, 10, "some words")
            await lose(talk)
            heard = await hears_the_next(talk, pause=3.0)
            await talk.wait_for_said("agent", 4)
            return heard, talk, await talk.end()

    heard, talk, shown = asyncio.run(call())
    assert "cut off" in heard
    assert "saturday" in heard
    turns = [(t["role"], t["generation"], t["interrupted"]) for t in shown["transcript"]]
    assert turns == [
        ("assistant", 1, False),
        ("user", 1, False),
        ("assistant", 1, True),
        ("assistant", 2, False),
        ("assistant", 2, False),
    ]
    _, _, part, _, whole = (turn["text"] for turn in shown["transcript"])
    assert whole.startswith(part)
    assert part in talk.said("agent")


def test_agent_when_killed_before_it_answers_then_the_next_one_does_unasked(house: House) -> None:
    async def call() -> tuple[Words, dict[str, Any]]:
        async with conversing(house) as talk:
            await talk.caller.wait_for_quiet()
            await talk.caller.say(await talk.speech(HOURS))
            await until(
                lambda: any("hours" in text for text in talk.said("caller", final=False)),
                10,
                "the question is heard",
            )
            await lose(talk)
            heard = await hears_the_next(talk, pause=3.0)
            await talk.wait_for_said("agent", 3)
            return heard, await talk.end()

    heard, shown = asyncio.run(call())
    assert "cut off" in heard
    assert "saturday" in heard
    asked = [turn["text"] for turn in shown["transcript"] if turn["role"] == "user"]
    assert len(asked) == 1


def test_agent_when_killed_again_and_again_then_the_call_is_given_up_and_the_caller_learns_it(
    house: House,
) -> None:
    most = house.settings.recoveries_max

    async def call() -> str:
        left = asyncio.Event()
        async with conversing(house) as talk:
            talk.caller.room.on("disconnected", lambda _: left.set())
            pid = 0
            for _ in range(most + 1):
                pid = await next_agent(talk, pid)
                os.kill(pid, signal.SIGKILL)
            await asyncio.wait_for(left.wait(), 10)
            return talk.session_id

    session_id = asyncio.run(call())
    shown = house.wait_for_state(session_id, "ended")
    assert (shown["reason"], shown["fault"]) == ("recovery_failed", "platform")
    assert shown["recoveries"] == most
    kinds = [event.type for event in house.events(session_id)]
    assert kinds.count("agent_recovering") == most
    assert kinds[-1] == "session_ended"
    house.assert_nothing_is_left()


def test_caller_when_they_ask_again_while_the_next_agent_apologises_then_have_one_answer(
    house: House,
) -> None:
    async def call() -> dict[str, Any]:
        async with conversing(house) as talk:
            await talk.caller.wait_for_quiet()
            question = await talk.speech(HOURS)
            await talk.caller.say(question)
            await until(
                lambda: any("hours" in text for text in talk.said("caller", final=False)),
                10,
                "the question is heard",
            )
            await lose(talk)
            await until(lambda: talk.data("agent_recovered"), 20, "another agent has come")
            await talk.caller.hears_after(time.monotonic() - 0.1, within=30)
            said = await talk.caller.say(question)
            began = await talk.caller.hears_after(said.ended, within=30)
            await talk.caller.hears_silence_after(began, 3.0)
            return await talk.end()

    transcript = asyncio.run(call())["transcript"]
    answers = [turn for turn in transcript if "saturday" in turn["text"].lower()]
    assert len(answers) == 1, transcript
