"""A process that is sent a call which is another agent's: it waits for it, or leaves it alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from redis import Redis

from sessions.handing_over import HANDOVER, Handover
from sessions.outcomes import Claim, Refusal
from sessions.states import Reason
from sessions.store import SessionStore
from tests.support.eventually import eventually
from tests.support.sessions import Actor
from workers.context import Context
from workers.picking import pick
from workers.standing_by import claim_or_stand_by


@pytest.fixture
def handover(context: Context) -> Handover:
    return Handover(context.redis, context.settings)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as found:
        yield found


def take(context: Context, session_id: str, generation: int, who: str) -> Claim | Refusal:
    def claim() -> Claim | Refusal:
        return context.store.claim(session_id, generation, who, "w2", "task", 8)

    return claim_or_stand_by(context, session_id, generation, who, claim)


def stands_by(handover: Handover, session_id: str) -> None:
    eventually(lambda: handover.invite(session_id, 1) is True, 20, "somebody stands by")


def begin(
    threads: ThreadPoolExecutor, context: Context, session_id: str, who: str = "b"
) -> Future[Claim | Refusal]:
    return threads.submit(take, context, session_id, 2, who)


def test_call_when_given_up_then_whoever_stands_by_has_it_at_once(
    actor: Actor, context: Context, handover: Handover, threads: ThreadPoolExecutor
) -> None:
    session_id = actor.ready()
    handover.invite(session_id, 1)
    waiting = begin(threads, context, session_id)
    stands_by(handover, session_id)
    assert not waiting.done()
    context.store.recover(session_id, HANDOVER, generation=1, unless_leased=False, counts=False)
    claim = waiting.result(5)
    assert isinstance(claim, Claim)
    assert (claim.session.generation, claim.session.owned_generation) == (2, 2)


def test_call_when_its_agent_dies_then_whoever_stands_by_has_it_at_once(
    actor: Actor, context: Context, handover: Handover, threads: ThreadPoolExecutor
) -> None:
    session_id = actor.ready()
    handover.invite(session_id, 1)
    waiting = begin(threads, context, session_id)
    stands_by(handover, session_id)
    context.store.recover(session_id, "agent_died", generation=1, unless_leased=False)
    assert isinstance(waiting.result(5), Claim)


def test_call_when_two_are_sent_then_one_stands_by_and_the_other_is_free_again(
    actor: Actor, context: Context, handover: Handover, threads: ThreadPoolExecutor
) -> None:
    session_id = actor.ready()
    handover.invite(session_id, 1)
    first = begin(threads, context, session_id, "b")
    stands_by(handover, session_id)
    assert begin(threads, context, session_id, "c").result(5) == Refusal("taken")
    context.store.recover(session_id, HANDOVER, generation=1, unless_leased=False, counts=False)
    assert isinstance(first.result(5), Claim)


def test_call_when_it_ends_then_nobody_stands_by_any_more(
    actor: Actor, context: Context, handover: Handover, threads: ThreadPoolExecutor
) -> None:
    session_id = actor.ready()
    handover.invite(session_id, 1)
    waiting = begin(threads, context, session_id)
    stands_by(handover, session_id)
    context.store.begin_ending(session_id, Reason.ENDED_BY_API)
    refused = waiting.result(5)
    assert isinstance(refused, Refusal)


def test_call_when_nobody_asked_for_another_agent_then_is_left_alone_at_once(
    actor: Actor, context: Context
) -> None:
    assert take(context, actor.ready(), 2, "b") == Refusal("stale")
    assert take(context, actor.ready(), 7, "b") == Refusal("stale")


def test_call_when_given_up_while_the_message_was_on_its_way_then_is_claimed(
    actor: Actor, context: Context, handover: Handover, store: SessionStore
) -> None:
    session_id = actor.ready()
    tries = 0

    def claim() -> Claim | Refusal:
        nonlocal tries
        tries += 1
        claimed = context.store.claim(session_id, 2, "b", "w2", "task", 8)
        if tries == 1:
            store.recover(session_id, HANDOVER, generation=1, unless_leased=False, counts=False)
        return claimed

    handover.invite(session_id, 1)
    assert isinstance(claim_or_stand_by(context, session_id, 2, "b", claim), Claim)
    assert tries == 2


def test_pick_when_a_call_is_to_change_hands_then_it_is_picked_after_all_who_wait(
    actor: Actor, context: Context, handover: Handover
) -> None:
    session_id = actor.ready()
    assert pick(context, session_id, 2) is None
    handover.invite(session_id, 1)
    assert pick(context, session_id, 2) == (session_id, 2)
    assert pick(context, session_id, 3) is None
    waiting = actor.queued()
    assert pick(context, session_id, 2) == (waiting, 1)


def test_standing_by_when_redis_is_asked_then_by_few_commands(
    actor: Actor, context: Context, handover: Handover, threads: ThreadPoolExecutor, redis: Redis
) -> None:
    session_id = actor.ready()
    handover.invite(session_id, 1)
    waiting = begin(threads, context, session_id)
    stands_by(handover, session_id)
    before = redis.info("stats")["total_commands_processed"]
    threading.Event().wait(1.2)
    spent = redis.info("stats")["total_commands_processed"] - before
    context.store.begin_ending(session_id, Reason.ENDED_BY_API)
    waiting.result(5)
    # Scripts count their own commands: some thirty for each look, twice a second.
    assert spent < 200
