"""A worker that is told to stop gives its calls to another one, and the caller does not notice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.calls.test_takeover import HOURS
from tests.fixtures.house import House
from tests.fixtures.web import ServeWeb
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.shifts import Shifts, shifts
from tests.support.speech import Samples, Words, plain, spoken, understood
from tests.support.whip import whip_caller
from tests.support.whip_talk import conversing_by_whip

STORY = (
    "Here is what we do. We lend bicycles from nine in the morning. We mend them in the afternoon. "
    "We wash them every Friday evening. On Sunday we sleep for a long time."
)


@pytest.fixture(scope="module")
def house_of_shifts(house: House) -> Iterator[Shifts]:
    # A caller joins only when the next worker has started.
    patient = {"join_timeout_seconds": 60, "idle_timeout_seconds": 60, "queue_timeout_seconds": 60}
    with shifts(house, handover_patience_seconds=1, worker_concurrency=2, **patient) as found:
        yield found


@pytest.fixture
def workers(house_of_shifts: Shifts) -> Iterator[Shifts]:
    yield house_of_shifts
    house_of_shifts.tidy()


@pytest.fixture
def small_front(workers: Shifts, house: House, serve_web: ServeWeb) -> Iterator[House]:
    """The small house with a web front of its own."""
    context = workers.small.context
    with serve_web(**{**context.settings.model_dump(), "port": free_port()}) as web:
        yield House(web.settings, house.folder, context.redis)


def words_of(house: House, samples: Samples) -> Words:
    return understood(house.settings.inference_url, samples)


def test_handover_when_nobody_speaks_then_the_call_goes_on_and_nothing_is_said(
    workers: Shifts, house: House
) -> None:
    question = spoken(house.settings.inference_url, "When are you open?", "Olivia")
    session, name = workers.start(openingLine="Hello."), workers.name
    before = workers.relieve()

    async def call() -> None:
        async with workers.call(session, microphone=True) as line:
            await line.caller.wait_for_quiet()
            before.process.terminate()
            await line.handed_over()
            assert line.said("agent") == ["Hello."]
            answer = await line.caller.hears_answer_to(await line.caller.say(question))
            assert "open" in words_of(house, answer)
            assert len(line.said("agent")) == 2
            assert (line.now.recoveries, line.now.worker) == (0, workers.name)
            await asyncio.to_thread(workers.assert_gone, before, name)
            await line.end()

    asyncio.run(call())


def test_handover_when_the_agent_talks_then_the_next_says_the_rest_and_nothing_twice(
    workers: Shifts, house: House
) -> None:
    session, name = workers.start(openingLine=STORY), workers.name
    before = workers.relieve()

    async def call() -> None:
        async with workers.call(session) as line:
            began = await line.caller.hears_after(0)
            before.process.terminate()
            await line.handed_over()
            ended = await line.caller.hears_silence_after(time.monotonic(), pause=3)
            words = words_of(house, line.caller.hearing.between(began - 0.2, ended + 0.2))
            silence = line.longest_silence(began, ended)
            print("SILENCE", silence, words, line.said("agent"))
            for told in ("bicycles", "afternoon", "friday", "sunday"):
                assert plain(words.text).count(told) == 1, words
            assert len(line.said("agent")) == 2
            assert " ".join(line.said("agent")) == STORY
            assert silence < 3
            await asyncio.to_thread(workers.assert_gone, before, name)
            await line.end()

    asyncio.run(call())


def test_handover_when_the_caller_talks_then_they_are_heard_to_the_end_first(
    workers: Shifts, house: House
) -> None:
    question = spoken(
        house.settings.inference_url,
        "I have been thinking about it for quite a while, and now I would like to know "
        "from you when you are open on Saturday.",
        "Olivia",
    )
    session, name = workers.start(openingLine="Hello."), workers.name
    before = workers.relieve()

    async def call() -> None:
        async with workers.call(session, microphone=True) as line:
            await line.caller.wait_for_quiet()
            talking = asyncio.create_task(line.caller.say(question))
            await asyncio.sleep(0.7)
            before.process.terminate()
            said = await talking
            assert line.kinds().count("agent_recovering") == 0
            await line.caller.hears_answer_to(said)
            await line.handed_over()
            [heard] = line.said("caller")
            assert "thinking" in Words(heard)
            assert "saturday" in Words(heard)
            await asyncio.to_thread(workers.assert_gone, before, name)
            await line.end()

    asyncio.run(call())


def test_handover_when_there_is_no_other_worker_then_waits_and_says_so_until_one_comes(
    workers: Shifts,
) -> None:
    session, name = workers.start(openingLine="Hello."), workers.name

    async def call() -> None:
        async with workers.call(session) as line:
            await line.caller.wait_for_quiet()
            workers.worker.process.terminate()

            def waits() -> bool:
                record = workers.record(name)
                return record is not None and "No other worker" in record.waits_for

            await asyncio.to_thread(eventually, waits, 10, "the worker says what it waits for")
            record = workers.record(name)
            assert record is not None
            assert (record.draining, record.free) == (True, 0)
            assert record.drain_ends > record.heartbeat
            assert (line.now.state, line.now.generation) == ("ready", 1)
            assert "drain_waits" in workers.worker.tail()
            before = await asyncio.to_thread(workers.relieve)
            await line.handed_over()
            await asyncio.to_thread(workers.assert_gone, before, name)
            await line.end()

    asyncio.run(call())


def test_handover_when_the_caller_is_there_by_whip_then_offers_anew_and_the_next_one_answers(
    workers: Shifts, small_front: House
) -> None:
    async def call() -> None:
        async with conversing_by_whip(small_front, whip_caller, "browser-1") as talk:
            caller, name = talk.caller, workers.name
            await caller.wait_for_quiet()
            first = caller.answer.headers["X-Session-ID"], caller.location
            before = await asyncio.to_thread(workers.relieve)
            before.process.terminate()
            await caller.loses_connection(within=60)
            again = await caller.dial_again()
            assert again.status_code == 201, again.text
            assert (caller.session_id, caller.location) == first
            await caller.connects()
            assert "saturday" in await talk.ask(HOURS)
            # No word of what has happened.
            assert len(talk.said("agent")) == 2
            assert [data["generation"] for data in talk.data("agent_recovered")] == [2]
            now = small_front.directory.load(talk.session_id)
            assert now is not None
            assert (now.recoveries, now.worker) == (0, workers.name)
            await asyncio.to_thread(workers.assert_gone, before, name)

    asyncio.run(call())
