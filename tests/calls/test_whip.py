"""Whoever speaks plain WHIP calls by one POST: two stacks that share no code do it at once."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.fixtures.house import House
from tests.support.conversation import Conversation
from tests.support.eventually import eventually
from tests.support.pitch import median_pitch
from tests.support.sdp import fragment, without_candidates
from tests.support.speech import RATE, Words, plain
from tests.support.werift import werift_caller
from tests.support.whip import whip_caller
from tests.support.whip_talk import Stack, by_whip, conversing_by_whip
from tests.support.whip_talker import WhipTalker


async def converse(
    house: House, stack: Stack[WhipTalker], voice: str, line: str, question: str, words: str
) -> tuple[WhipTalker, Words, dict[str, Any]]:
    """Hear the opening line, ask, hear the answer, hang up; return all that came of it."""
    async with conversing_by_whip(house, stack, voice=voice, openingLine=line) as talk:
        caller = talk.caller
        await talk.wait_for_said("agent", 1)
        await talk.wait_to_hear(plain(line).split()[-1])
        answer = await talk.ask(question, voice="Edward")
        assert words in answer
        assert (await caller.hang_up()).status_code == 200
        await caller.loses_connection()
    shown = await asyncio.to_thread(house.wait_for_state, talk.session_id, "ended")
    return caller, answer, shown


# The caller is missed after 15 s, and silence would end the call then.
LONG = "This line is long. " * 12


async def vanish(house: House) -> str:
    """Call, and be gone in the middle of the opening line without a word; return the session."""
    async with conversing_by_whip(house, werift_caller, openingLine=LONG) as talk:
        talk.caller.vanish()
        return talk.session_id


def test_callers_of_two_stacks_when_at_once_and_a_third_vanishes_then_each_has_a_call_of_its_own(
    house: House,
) -> None:
    async def calls() -> tuple[Any, Any, str]:
        gone = await vanish(house)
        one, other = await asyncio.gather(
            converse(
                house,
                whip_caller,
                "Craig",
                "Welcome to the bicycle shop.",
                "What are your opening hours?",
                "saturday",
            ),
            converse(
                house,
                werift_caller,
                "Wendy",
                "You have reached the workshop.",
                "Where is your shop?",
                "maple street",
            ),
        )
        return one, other, gone

    (craig, hours, first), (wendy, address, second), gone = asyncio.run(calls())
    assert "maple street" not in hours
    assert "saturday" not in address
    assert len({first["sessionId"], second["sessionId"], gone}) == 3
    low, high = (median_pitch(caller.heard, RATE) for caller in (craig, wendy))
    assert low < 140 < 170 < high
    for shown, words in ((first, "opening hours"), (second, "shop")):
        assert [turn["role"] for turn in shown["transcript"]] == ["assistant", "user", "assistant"]
        assert words in shown["transcript"][1]["text"].lower()
        assert (shown["reason"], shown["fault"]) == ("ended_by_api", "user")
    left = house.wait_for_state(gone, "ended", within=40)
    assert (left["reason"], left["fault"]) == ("user_left", "user")
    house.assert_nothing_is_left()


def test_caller_when_its_candidates_come_later_and_it_restarts_ice_again_and_again_then_talks_on(
    house: House,
) -> None:
    async def call() -> None:
        async with by_whip(house, werift_caller, openingLine="Hello.") as caller:
            assert (await caller.dial(trickle=True)).status_code == 204
            await caller.connects()
            await caller.wait_for_quiet()
            tags = {caller.answer.headers["ETag"]}
            for _ in range(3):
                restarted = await caller.restart_ice()
                assert restarted.status_code == 200, restarted.text
                tags.add(restarted.headers["ETag"])
            assert len(tags) == 4
            await caller.connects()
            talk = Conversation(house, caller.session_id, caller)
            assert "saturday" in await talk.ask("What are your opening hours?")

    asyncio.run(call())


def test_offer_when_its_candidates_come_last_then_ice_is_restarted_all_the_same(
    house: House,
) -> None:
    async def call() -> None:
        async with by_whip(house, whip_caller) as caller:
            offer = await caller.offer()
            candidates = [line for line in offer.splitlines() if line.startswith("a=candidate:")]
            last = "".join(f"{line}\r\n" for line in [*candidates, *candidates])
            caller.answer = await caller.post(without_candidates(offer) + last)
            assert caller.answer.status_code == 201
            tags = {caller.answer.headers["ETag"]}
            for ufrag in ("first", "second"):
                content = fragment(offer).replace("a=ice-ufrag:", f"a=ice-ufrag:{ufrag}")
                restarted = await caller.patch(content, "*")
                assert restarted.status_code == 200, restarted.text
                tags.add(restarted.headers["ETag"])
            assert len(tags) == 3
            assert caller.session_id in await asyncio.to_thread(house.rooms)

    asyncio.run(call())


def test_offer_when_it_comes_twice_at_once_under_one_name_then_there_is_one_call(
    house: House,
) -> None:
    async def calls() -> None:
        async with (
            by_whip(house, whip_caller, "temp-1", userName="Ann") as one,
            by_whip(house, whip_caller, "temp-1", userName="Ann") as other,
        ):
            answers = await asyncio.gather(one.dial(), other.dial())
            assert [answer.status_code for answer in answers] == [201, 201]
            assert one.session_id == other.session_id
            assert one.location == other.location
            assert house.directory.count_live() == 1
            # The media server has nobody in a room twice: the later of the two is there.
            hear = (one.spoken_to, other.spoken_to)
            await asyncio.to_thread(eventually, lambda: any(e.is_set() for e in hear), 20)

    asyncio.run(calls())


def test_caller_when_it_hangs_up_in_the_middle_of_a_word_then_the_call_ends_at_once(
    house: House,
) -> None:
    async def call() -> str:
        async with by_whip(house, whip_caller, openingLine=LONG) as caller:
            assert (await caller.dial(trickle=True)).status_code == 204
            await caller.wait_for_speech()
            assert (await caller.hang_up()).status_code == 200
            await caller.loses_connection(within=20)
            assert (await caller.hang_up()).status_code == 200
            return caller.session_id

    session_id = asyncio.run(call())
    shown = house.wait_for_state(session_id, "ended")
    assert shown["reason"] == "ended_by_api"
    assert not house.had_to_kill(session_id)
    house.assert_nothing_is_left()
