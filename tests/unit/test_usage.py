"""What was used adds up, whoever wrote it and however often."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
from redis import Redis

from sessions.directory import Directory
from sessions.keys import SessionKeys
from sessions.metering import asking, count, current_meter, metering
from sessions.models import Session
from sessions.outcomes import Refusal
from sessions.states import Reason
from sessions.store import SessionStore
from sessions.usage import Amounts, Model, Usage, added, usage_in
from tests.support.sessions import Actor, owner_of

VOICE = Model("tts", "embedded", "tts-1")
WORDS = Model("llm", "api.example.com", "a model: with (signs)")
SPOKEN = Usage(1200, 800, {VOICE: Amounts(requests=2, characters=40, audio_ms=2500, model_ms=90)})
WORDED = Usage(models={WORDS: Amounts(1, 120, 30, 100, 0, 700)})


def loaded(directory: Directory, session_id: str) -> Session:
    session = directory.load(session_id)
    assert session is not None
    return session


def test_usage_when_written_and_read_then_is_the_same() -> None:
    both = SPOKEN + WORDED
    assert Usage.from_json(both.to_json()) == both
    assert Usage.from_json({}) == Usage()
    assert both.to_json()["audioInMs"] == 1200
    assert [one["slot"] for one in both.to_json()["models"]] == ["llm", "tts"]


def test_usage_when_of_several_agents_and_answers_then_is_their_sum() -> None:
    fields = {**SPOKEN.to_fields(1), **SPOKEN.to_fields(2), "generation": "2"}
    for _ in range(2):
        for name, amount in added(WORDED.to_json()).items():
            fields[name] = str(int(fields.get(name, "0")) + amount)
    assert usage_in(fields, (1, 2)) == SPOKEN + SPOKEN + WORDED + WORDED


@pytest.mark.parametrize(
    "content",
    [
        {"models": 5},
        {"models": [{}]},
        {"models": [{"slot": "llm", "provider": "a", "model": "b", "requests": "many"}]},
        {"models": [{"slot": "llm", "provider": "a", "model": "b", "requests": -5}]},
        {"models": [{"slot": "llm", "provider": "a", "model": "b", "requests": 2**62}]},
        {"models": [{"slot": "llm", "provider": "a", "model": "b" * 200, "requests": 1}]},
    ],
)
def test_answer_when_it_says_nonsense_of_what_it_took_then_that_is_nothing(
    content: dict[str, object],
) -> None:
    assert added(content) == {}


def test_meter_when_asked_from_threads_and_tasks_then_counts_for_its_own_block() -> None:
    async def work() -> None:
        count(VOICE, Amounts(characters=1))
        await asyncio.to_thread(count, VOICE, Amounts(characters=10))
        await asyncio.create_task(inner())

    async def inner() -> None:
        count(VOICE, Amounts(characters=100))

    with metering() as other, metering() as meter:
        asyncio.run(work())
    count(VOICE, Amounts(characters=1000))
    assert meter.usage.models == {VOICE: Amounts(characters=111)}
    assert other.usage.models == {}
    assert current_meter().usage == Usage()


def test_meter_when_many_threads_count_at_once_then_loses_nothing() -> None:
    with metering() as meter:

        def work() -> None:
            for _ in range(500):
                meter.add(VOICE, Amounts(requests=1))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert meter.usage.models[VOICE].requests == 2000


def test_request_when_it_fails_then_has_been_made_all_the_same() -> None:
    with metering() as meter, pytest.raises(TimeoutError), asking(VOICE, characters=5):
        raise TimeoutError
    amounts = meter.usage.models[VOICE]
    assert replace(amounts, model_ms=0) == Amounts(requests=1, characters=5)


def test_agent_when_it_renews_and_leaves_then_what_it_has_used_is_counted_once(
    actor: Actor, store: SessionStore, directory: Directory
) -> None:
    session_id = actor.ready()
    for _ in range(2):
        store.renew(session_id, 1, owner_of(1), SPOKEN)
    assert loaded(directory, session_id).usage == SPOKEN
    more = SPOKEN + WORDED
    store.emit(
        session_id, "transcript", {}, generation=1, fields=more.to_fields(1), turn={"text": "a"}
    )
    assert loaded(directory, session_id).usage == more
    assert store.account(session_id, 1, more + WORDED) is None
    assert loaded(directory, session_id).usage == more + WORDED


def test_agent_when_it_has_been_replaced_then_what_it_used_counts_but_its_lease_does_not(
    actor: Actor, store: SessionStore, directory: Directory
) -> None:
    session_id = actor.recovering()
    actor.claim(session_id, 2)
    store.renew(session_id, 2, owner_of(2), WORDED)
    assert store.account(session_id, 1, SPOKEN) is None
    assert loaded(directory, session_id).usage == SPOKEN + WORDED
    assert store.account(session_id, 3, SPOKEN) == Refusal("gone")


def test_usage_when_the_session_has_gone_then_makes_no_key(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.ready()
    redis.delete(SessionKeys.of(session_id).session)
    assert store.account(session_id, 1, SPOKEN) == Refusal("gone")
    assert not redis.exists(SessionKeys.of(session_id).session)


def test_generations_when_agents_come_and_go_then_are_told_apart(
    actor: Actor, store: SessionStore, directory: Directory
) -> None:
    session_id = actor.queued()
    [first] = loaded(directory, session_id).generations
    assert (first.number, first.claimed_at, first.worker) == (1, 0, "")
    actor.claim(session_id)
    store.ready(session_id, 1)
    assert store.recover(session_id, "lease_lost", unless_leased=False) == 2
    actor.claim(session_id, 2)
    store.ready(session_id, 2)
    store.begin_ending(session_id, Reason.USER_LEFT)
    store.release(session_id, owner_of(2))
    first, second = loaded(directory, session_id).generations
    assert (first.cause, second.cause) == ("lease_lost", "left")
    assert (first.worker, first.host) == ("sessions@test", "host")
    moments = [first.claimed_at, first.ready_at, first.ended_at, second.claimed_at]
    assert all(moments)
    assert moments == sorted(moments)


def test_generations_when_taken_over_too_often_then_the_last_one_has_its_cause(
    actor: Actor, store: SessionStore, directory: Directory
) -> None:
    session_id = actor.ready()
    generation = 1
    while isinstance(found := store.recover(session_id, "agent_died", unless_leased=False), int):
        generation = found
        actor.claim(session_id, generation)
    causes = [one.cause for one in loaded(directory, session_id).generations]
    assert causes == ["agent_died"] * generation


def test_generations_when_a_session_is_in_writing_then_there_are_none(
    actor: Actor, directory: Directory
) -> None:
    assert loaded(directory, actor.text()).generations == ()
