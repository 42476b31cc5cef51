"""The agent's ears are closed and opened over HTTP; what is said meanwhile is not heard."""

from __future__ import annotations

import asyncio
import os
import signal

from tests.fixtures.house import House
from tests.support import loopback
from tests.support.conversation import Conversation, conversing
from tests.support.eventually import eventually

QUESTION = "Where is your shop?"
LONG_ENOUGH_SECONDS = 4.0
"""An agent that hears has begun to answer by then, on a busy machine too."""


async def listen(talk: Conversation, *, on: bool) -> None:
    """Open or close the agent's ears, which it confirms."""
    verb = "start" if on else "stop"
    answer = await asyncio.to_thread(
        loopback.post,
        f"{talk.house.url}/listening/{verb}",
        json={"session_id": talk.session_id},
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"session_id": talk.session_id, "listening": on}
    assert talk.data("listening")[-1]["listening"] is on


async def assert_nobody_hears(talk: Conversation) -> None:
    """Ask, and see that nothing comes of it."""
    said = await talk.caller.say(await talk.speech(QUESTION))
    await talk.caller.stay(LONG_ENOUGH_SECONDS)
    assert talk.caller.hearing.first_after(said.began) is None


def test_agent_when_told_to_stop_listening_then_hears_nothing_until_it_is_told_to(
    house: House,
) -> None:
    async def call() -> Conversation:
        async with conversing(house) as talk:
            await talk.caller.wait_for_quiet()
            await listen(talk, on=False)
            await assert_nobody_hears(talk)
            await listen(talk, on=True)
            assert "maple street" in await talk.ask(QUESTION)
            await talk.wait_for_said("agent", 2)
            await talk.end()
        return talk

    assert len(asyncio.run(call()).said("caller")) == 1


def test_agent_when_the_one_before_was_told_to_stop_listening_then_does_not_listen_either(
    house: House,
) -> None:
    async def call() -> None:
        async with conversing(house) as talk:
            await talk.caller.wait_for_quiet()
            await listen(talk, on=False)
            os.kill(house.agent_pid(talk.session_id), signal.SIGKILL)
            await asyncio.to_thread(
                eventually, lambda: talk.data("agent_recovered"), 30, "another agent has come"
            )
            await talk.wait_for_said("agent", 2)
            await talk.caller.wait_for_quiet()
            assert [data["listening"] for data in talk.data("listening")] == [True, False, False]
            await assert_nobody_hears(talk)
            assert not (await asyncio.to_thread(house.show, talk.session_id))["config"]["listening"]
            await listen(talk, on=True)
            assert "maple street" in await talk.ask(QUESTION)
            await talk.end()

    asyncio.run(call())
