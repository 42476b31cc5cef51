"""A caller by WHIP whose agent is replaced offers anew, and the call goes on where it was."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

from tests.calls.test_takeover import HOURS, until
from tests.fixtures.house import House
from tests.support.conversation import Conversation
from tests.support.whip import WhipCaller, whip_caller
from tests.support.whip_talk import by_whip, conversing_by_whip


async def lose(talk: Conversation[WhipCaller]) -> None:
    """Kill the agent of a call."""
    os.kill(await asyncio.to_thread(talk.house.agent_pid, talk.session_id), signal.SIGKILL)


def test_caller_by_whip_when_the_agent_is_killed_then_is_sent_away_and_goes_on_by_a_second_offer(
    house: House,
) -> None:
    async def call() -> tuple[Conversation[WhipCaller], dict[str, Any]]:
        async with conversing_by_whip(house, whip_caller, "browser-1") as talk:
            caller = talk.caller
            await caller.wait_for_quiet()
            assert "saturday" in await talk.ask(HOURS)
            await caller.wait_for_quiet()
            first = caller.location
            await lose(talk)
            await caller.loses_connection()
            before = caller.last_loud
            again = await caller.dial_again()
            assert (again.status_code, caller.location) == (201, first), again.text
            await caller.hears_after(before)
            await talk.wait_for_said("agent", 3)
            return talk, await talk.end()

    talk, shown = asyncio.run(call())
    [recovered] = talk.data("agent_recovered")
    assert recovered["generation"] == 2
    said = [turn["text"] for turn in shown["transcript"] if turn["generation"] == 2]
    assert said == ["Sorry, I was cut off. You were asking about our opening hours."]
    assert shown["aliases"] == ["browser-1"]
    house.assert_nothing_is_left()


def test_caller_by_whip_when_it_offers_anew_while_the_agent_is_replaced_then_the_answer_waits(
    house: House,
) -> None:
    async def call() -> dict[str, Any]:
        async with conversing_by_whip(house, whip_caller, "browser-2") as talk:
            caller = talk.caller
            await caller.wait_for_quiet()
            await lose(talk)
            await until(lambda: talk.data("agent_recovering"), 20, "the loss is seen")
            before = caller.last_loud
            again = await caller.dial_again()
            assert again.status_code == 201, again.text
            await caller.hears_after(before)
            return await talk.end()

    shown = asyncio.run(call())
    assert (shown["generation"], shown["reason"]) == (2, "ended_by_api")


def test_caller_by_whip_when_it_offers_anew_by_the_session_id_then_the_same_agent_talks_on(
    house: House,
) -> None:
    async def call() -> dict[str, Any]:
        async with conversing_by_whip(house, whip_caller) as talk:
            caller = talk.caller
            await caller.wait_for_quiet()
            caller.endpoint = f"{house.url}/whip"
            caller.headers = {"X-Session-ID": talk.session_id}
            again = await caller.dial_again()
            assert (again.status_code, caller.session_id) == (201, talk.session_id), again.text
            await caller.connects()
            assert "saturday" in await talk.ask(HOURS)
            return await talk.end()

    shown = asyncio.run(call())
    assert shown["generation"] == 1


def test_caller_by_whip_when_it_only_sends_then_is_heard_and_answered_in_writing(
    house: House,
) -> None:
    async def call() -> Conversation[WhipCaller]:
        async with by_whip(house, whip_caller, openingLine="Hello.") as caller:
            [voice] = caller.line.getTransceivers()
            voice.direction = "sendonly"
            assert (await caller.dial()).status_code == 201
            await caller.connects()
            talk = Conversation(house, caller.session_id, caller)
            await talk.wait_for_said("agent", 1)
            await caller.say(await talk.speech(HOURS))
            await talk.wait_for_said("agent", 2)
            await caller.hang_up()
            return talk

    talk = asyncio.run(call())
    assert "saturday" in talk.said("agent")[1].lower()
    assert not talk.caller.heard.any()
