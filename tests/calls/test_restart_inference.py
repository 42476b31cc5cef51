"""The house's own models are restarted under a call: it goes on by itself."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

from sessions.states import Reason
from tests.fixtures.house import House
from tests.fixtures.inference import inference_server
from tests.support.annex import annex
from tests.support.caller import calling
from tests.support.eventually import eventually
from tests.support.line import Line, dial
from tests.support.ports import free_port
from tests.support.speech import Words, spoken, understood

QUESTION = "What are your opening hours?"


def test_call_when_the_models_are_restarted_in_the_middle_then_is_answered_as_before(
    house: House, tmp_path: Path
) -> None:
    port = free_port()
    models = ExitStack()
    up = house.settings.inference_url

    async def ask(line: Line) -> Words:
        assert line.caller.microphone is not None
        said = await line.caller.say(await asyncio.to_thread(spoken, up, QUESTION, "Ashley"))
        return await asyncio.to_thread(understood, up, await line.caller.hears_answer_to(said))

    async def call() -> str:
        session = await dial(small, "Hello.")
        async with calling(small.ticket(session), with_microphone=True) as caller:
            line = Line(small, session, caller)
            await caller.hears_silence_after(await caller.hears_after(0.0), pause=1.0)
            await asyncio.to_thread(models.close)
            told = await asyncio.to_thread(line.tell, "It closes at six.")
            await asyncio.to_thread(eventually, line.errors, 30, "the trouble is told")
            await asyncio.to_thread(models.enter_context, inference_server(tmp_path, port))
            await caller.hears_silence_after(await caller.hears_after(told), pause=2.0)
            assert line.said("agent")[-1] == "It closes at six."
            answer = await ask(line)
            assert "nine" in answer or "9" in answer, answer
            return session.id

    with models:
        models.enter_context(inference_server(tmp_path, port))
        own = f"http://127.0.0.1:{port}/v1"
        with annex(house, inference_url=own, idle_timeout_seconds=90) as small:
            ended = small.wait_until_archived(asyncio.run(call()))
    assert (ended.reason, ended.generation) == (Reason.USER_LEFT, 1)
