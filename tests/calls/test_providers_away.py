"""The house's own model server goes away in the middle of a call, and nobody stands in for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager

import pytest

from sessions.states import Fault, Reason
from tests.fixtures.house import House
from tests.support.annex import Annex, annex
from tests.support.caller import calling
from tests.support.eventually import eventually
from tests.support.line import Line, dial
from tests.support.ports import free_port
from tests.support.scripted_openai import SPEECH, scripted_openai

SORRY = "Sorry, that took too long."


@pytest.fixture(scope="module")
def alone(house: House) -> Iterator[tuple[Annex, int]]:
    """A small house whose own model server, which nobody stands in for, is at the port."""
    port = free_port()
    with annex(
        house,
        inference_url=f"http://127.0.0.1:{port}/v1",
        provider_stall_seconds=2,
        provider_patience_seconds=8,
        apology_line=SORRY,
        idle_timeout_seconds=60,
        join_timeout_seconds=60,
    ) as small:
        yield small, port


@asynccontextmanager
async def after_the_opening(small: Annex) -> AsyncIterator[Line]:
    """Call, and hear the opening line to its end."""
    session = await dial(small, "Hello.")
    async with calling(small.ticket(session)) as caller:
        await caller.hears_silence_after(await caller.hears_after(0.0), pause=1.0)
        yield Line(small, session, caller)


def test_speech_when_the_house_is_away_for_a_moment_then_the_sentence_is_said_late(
    alone: tuple[Annex, int],
) -> None:
    small, port = alone
    running = ExitStack()

    async def call() -> str:
        async with after_the_opening(small) as line:
            caller = line.caller
            running.close()
            moment = await asyncio.to_thread(line.tell, "It closes at six.")
            await asyncio.to_thread(eventually, line.errors, 20, "the trouble is told")
            back = running.enter_context(scripted_openai(port))
            await caller.hears_after(moment)
            await caller.hears_silence_after(moment, pause=1.0)
            assert [one.body["input"] for one in back.asked(SPEECH)] == [SORRY, "It closes at six."]
            assert [(e["slot"], e["replaced"]) for e in line.errors()] == [("tts", False)]
        return line.session.id

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
        async with after_the_opening(small) as line:
            running.close()
            await asyncio.to_thread(line.tell, "It closes at six.")
            await asyncio.to_thread(small.wait_until_archived, line.session.id)
        return line.session.id

    with running:
        running.enter_context(scripted_openai(port))
        ended = small.wait_until_archived(asyncio.run(call()))
    assert (ended.reason, ended.fault) == (Reason.PROVIDER_ERROR, Fault.PROVIDER)
    assert "speaks" in str(ended.detail)
