"""What a call uses is counted while it is used, and no agent that is lost takes it along."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from tests.fixtures.house import House
from tests.support.conversation import LINE, Conversation, conversing
from tests.support.eventually import eventually

QUESTION = "What are your opening hours?"


def used(shown: Mapping[str, Any], slot: str) -> dict[str, Any]:
    """Return what was asked of the one model that did the work of ``slot``."""
    found = [model for model in shown["usage"]["models"] if model["slot"] == slot]
    assert len(found) == 1, found
    assert found[0]["provider"] == "embedded"
    return found[0]


async def shown_with(talk: Conversation, slot: str, least: int) -> dict[str, Any]:
    """Return the live session as soon as it shows so many requests to ``slot``."""

    def reached() -> dict[str, Any] | None:
        shown = talk.house.show(talk.session_id)
        asked = [one["requests"] for one in shown["usage"]["models"] if one["slot"] == slot]
        return shown if sum(asked) >= least else None

    shown = await asyncio.to_thread(eventually, reached, 20, f"{slot} is counted")
    assert shown is not None
    return shown


def test_usage_when_an_agent_is_killed_in_the_call_then_is_that_of_both(house: House) -> None:
    async def call() -> tuple[Conversation, list[dict[str, Any]], float, float]:
        joined = time.monotonic()
        async with conversing(house) as talk:
            await talk.caller.wait_for_quiet()
            alone = await shown_with(talk, "tts", 1)
            await talk.ask(QUESTION)
            await talk.wait_for_said("agent", 2)
            asked = await shown_with(talk, "tts", 2)
            killed = time.monotonic()
            os.kill(house.agent_pid(talk.session_id), signal.SIGKILL)
            back = await talk.caller.hears_after(killed, within=30)
            await talk.caller.hears_silence_after(back, pause=1.0)
            away = back - killed
            ended = await talk.end()
            return talk, [alone, asked, ended], time.monotonic() - joined, away

    talk, (alone, asked, ended), lasted, away = asyncio.run(call())
    # Who has only greeted has spoken the greeting, and nothing else.
    greeting = used(alone, "tts")
    assert (greeting["requests"], greeting["characters"]) == (1, len(LINE))
    assert greeting["audioMs"] >= alone["usage"]["audioOutMs"] > 500
    assert_heard_and_looked_up(asked)
    heard, played = ended["usage"]["audioInMs"] / 1000, ended["usage"]["audioOutMs"] / 1000
    assert 0.4 * (lasted - away) <= heard <= lasted + 1
    assert 0.8 * talk.caller.seconds_of_speech <= played <= 2 * talk.caller.seconds_of_speech + 2
    turns = [turn["text"] for turn in ended["transcript"] if turn["role"] == "assistant"]
    said = len("".join(turns).replace(" ", ""))
    # What is prepared and never said costs all the same, so it may be more than was said.
    assert said <= used(ended, "tts")["characters"] <= 4 * said
    for slot in ("stt", "tts", "embeddings"):
        for amount in ("requests", "characters", "audioMs", "modelMs"):
            assert used(ended, slot)[amount] >= used(asked, slot)[amount]
    assert_agents_are_told_apart(ended)


def assert_heard_and_looked_up(shown: Mapping[str, Any]) -> None:
    hearing, finding = used(shown, "stt"), used(shown, "embeddings")
    assert hearing["requests"] >= 1
    assert hearing["audioMs"] >= 500
    assert hearing["modelMs"] > 0
    assert finding["requests"] >= 1
    assert finding["characters"] >= 0.6 * len(QUESTION)
    assert finding["inputTokens"] > 0


def assert_agents_are_told_apart(ended: Mapping[str, Any]) -> None:
    first, second = ended["generations"]
    assert (first["number"], first["cause"], second["cause"]) == (1, "agent_died", "left")
    assert first["worker"] == second["worker"] == ended["worker"]
    assert first["host"]
    moments = [one[f"{what}At"] for one in (first, second) for what in ("claimed", "ready")]
    assert moments == sorted(moments)
    assert first["readyAt"] <= first["endedAt"] <= second["claimedAt"]
    assert second["endedAt"] <= ended["endedAt"]
    assert [turn["generation"] for turn in ended["transcript"]] == [1, 1, 1, 2]
    assert ended["transcript"][2]["latencyMs"] > 0
    assert ended["events"] > len(ended["transcript"])
    assert ended["correlationId"]
