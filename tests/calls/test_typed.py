"""A caller types in the room itself, as LiveKit's own clients let them."""

from __future__ import annotations

import asyncio

from tests.fixtures.house import House
from tests.support.conversation import conversing

QUESTION = "Where is your shop?"


def test_caller_when_typing_in_the_room_then_is_answered_but_for_what_is_too_long(
    house: House,
) -> None:
    async def call() -> list[str]:
        async with conversing(house) as talk:
            await talk.caller.wait_for_quiet()
            writer = talk.caller.room.local_participant
            for text in (QUESTION * 300, QUESTION):
                await writer.send_text(text, topic="lk.chat")
            answer = (await talk.wait_for_said("agent", 2))[-1]
            assert "Maple Street" in answer
            await talk.end()
            return talk.said("caller")

    assert asyncio.run(call()) == [QUESTION]
