"""In a call a message can be written, and its answer be spoken as well."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tests.fixtures.house import House
from tests.support import loopback
from tests.support.conversation import Conversation, conversing
from tests.support.speech import Words, understood

WRITTEN = "Where is your shop?"


def test_message_when_written_in_a_call_then_the_answer_is_spoken_if_so_wished(
    house: House,
) -> None:
    async def write(talk: Conversation, **body: Any) -> dict[str, Any]:
        answer = await asyncio.to_thread(
            loopback.post,
            f"{house.url}/chat",
            json={"session_id": talk.session_id, **body},
            headers={"Prefer": "wait=10"},
            timeout=20,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def call() -> tuple[Conversation, dict[str, Any], dict[str, Any], Words]:
        async with conversing(house) as talk:
            await talk.caller.wait_for_quiet()
            silent = await write(talk, message="What are your opening hours?")
            before = time.monotonic()
            spoken = await write(talk, message=WRITTEN, speak=True)
            began = await talk.caller.hears_after(before)
            ended = await talk.caller.hears_silence_after(began, 1.0)
            sound = talk.caller.hearing.between(began - 0.2, ended + 0.2)
            heard = await asyncio.to_thread(understood, house.settings.inference_url, sound)
            await talk.end()
        return talk, silent, spoken, heard

    talk, silent, spoken, heard = asyncio.run(call())
    assert "maple street" in heard
    answers = talk.data("agent_response")
    assert [answer["correlation_id"] for answer in answers] == [
        silent["correlation_id"],
        spoken["correlation_id"],
    ]
    shown = house.show(talk.session_id)
    assert [(turn["role"], turn["text"]) for turn in shown["transcript"]][1:] == [
        ("user", "What are your opening hours?"),
        ("assistant", silent["response"]),
        ("user", WRITTEN),
        ("assistant", spoken["response"]),
    ]
