"""A call passes from one agent to the next in good order, or stays where it is."""

from __future__ import annotations

import pytest
from redis import Redis

from sessions.directory import Directory
from sessions.events import EventLog
from sessions.handing_over import HANDOVER, Handover
from sessions.keys import SessionKeys
from sessions.models import Session
from sessions.outcomes import Claim, Refusal
from sessions.settings import Settings
from sessions.states import Reason, State
from sessions.store import SessionStore
from tests.support.sessions import Actor


@pytest.fixture
def handover(redis: Redis, settings: Settings) -> Handover:
    return Handover(redis, settings)


def orders(redis: Redis, session_id: str) -> list[str]:
    entries: list[tuple[str, dict[str, str]]] = redis.xrange(SessionKeys.of(session_id).control)  # type: ignore[assignment]
    return [fields["command"] for _, fields in entries]


def seen(directory: Directory, session_id: str) -> Session:
    session = directory.load(session_id)
    assert session is not None
    return session


def test_stand_by_when_nobody_invited_then_is_refused(actor: Actor, handover: Handover) -> None:
    session_id = actor.ready()
    assert handover.stand_by(session_id, 2, "b") == Refusal("stale")


def test_stand_by_when_invited_then_the_agent_is_told_once(
    actor: Actor, handover: Handover, redis: Redis, directory: Directory
) -> None:
    session_id = actor.ready()
    assert handover.invite(session_id, 1) is False
    assert handover.stand_by(session_id, 2, "b") is None
    assert handover.stand_by(session_id, 2, "b") is None
    assert handover.invite(session_id, 1) is True
    assert orders(redis, session_id) == ["hand_over"]
    session = seen(directory, session_id)
    assert (session.state, session.generation, session.heir) == (State.READY, 1, 2)
    assert session.is_awaited_by(2)
    assert not session.is_awaited_by(3)


def test_stand_by_when_somebody_else_does_then_is_refused(actor: Actor, handover: Handover) -> None:
    session_id = actor.ready()
    handover.invite(session_id, 1)
    handover.stand_by(session_id, 2, "b")
    assert handover.stand_by(session_id, 2, "c") == Refusal("taken")
    assert handover.stand_by(session_id, 3, "c") == Refusal("stale")


def test_stand_by_when_the_first_has_gone_then_another_is_taken_and_the_agent_told(
    actor: Actor, handover: Handover, redis: Redis
) -> None:
    session_id = actor.ready()
    handover.invite(session_id, 1)
    handover.stand_by(session_id, 2, "b")
    redis.hset(SessionKeys.of(session_id).session, "heirUntil", 1)
    assert handover.invite(session_id, 1) is False
    assert handover.stand_by(session_id, 2, "c") is None
    assert orders(redis, session_id) == ["hand_over", "hand_over"]


def test_stand_by_when_it_could_not_be_said_for_a_while_then_the_agent_is_told_again(
    actor: Actor, handover: Handover, redis: Redis
) -> None:
    session_id = actor.ready()
    handover.invite(session_id, 1)
    handover.stand_by(session_id, 2, "b")
    redis.hset(SessionKeys.of(session_id).session, "heirUntil", 1)
    assert handover.bequeath(session_id, 1, "") == Refusal("alone")
    assert handover.stand_by(session_id, 2, "b") is None
    assert handover.stand_by(session_id, 2, "b") is None
    assert orders(redis, session_id) == ["hand_over", "hand_over"]


def test_handover_when_done_then_the_next_has_the_call_and_what_was_unsaid(
    actor: Actor, handover: Handover, store: SessionStore, event_log: EventLog
) -> None:
    session_id = actor.ready()
    handover.invite(session_id, 1)
    handover.stand_by(session_id, 2, "b")
    assert handover.bequeath(session_id, 1, "And the rest.") is None
    assert store.claim(session_id, 2, "b", "w", "t", 2) == Refusal("stale")
    recovered = store.recover(session_id, HANDOVER, generation=1, unless_leased=False, counts=False)
    assert recovered == 2
    claim = store.claim(session_id, 2, "b", "w", "t", 2)
    assert isinstance(claim, Claim)
    assert (claim.session.cause, claim.session.unsaid) == (HANDOVER, "And the rest.")
    assert claim.session.recoveries == 0
    recovering = [e for e in event_log.read(session_id) if e.type == "agent_recovering"]
    assert [e.data["cause"] for e in recovering] == [HANDOVER]
    assert handover.invite(session_id, 1) == Refusal("stale")


def test_unsaid_when_the_next_agent_is_lost_too_then_is_said_by_nobody(
    actor: Actor, handover: Handover, store: SessionStore
) -> None:
    session_id = actor.ready()
    handover.invite(session_id, 1)
    handover.stand_by(session_id, 2, "b")
    handover.bequeath(session_id, 1, "And the rest.")
    store.recover(session_id, HANDOVER, generation=1, unless_leased=False, counts=False)
    store.claim(session_id, 2, "b", "w", "t", 2)
    store.recover(session_id, "agent_died", generation=2, unless_leased=False)
    claim = store.claim(session_id, 3, "c", "w", "t", 3)
    assert isinstance(claim, Claim)
    assert claim.session.unsaid == ""


def test_bequeath_when_nobody_stands_by_any_more_then_the_call_stays(
    actor: Actor, handover: Handover, redis: Redis, directory: Directory
) -> None:
    session_id = actor.ready()
    assert handover.bequeath(session_id, 1, "x") == Refusal("alone")
    handover.invite(session_id, 1)
    handover.stand_by(session_id, 2, "b")
    redis.hset(SessionKeys.of(session_id).session, "heirUntil", 1)
    assert handover.bequeath(session_id, 1, "x") == Refusal("alone")
    assert seen(directory, session_id).generation == 1


def test_heir_when_the_agent_dies_meanwhile_then_has_the_call_at_once(
    actor: Actor, handover: Handover, store: SessionStore
) -> None:
    session_id = actor.ready()
    handover.invite(session_id, 1)
    handover.stand_by(session_id, 2, "b")
    assert store.recover(session_id, "agent_died", generation=1, unless_leased=False) == 2
    assert isinstance(store.claim(session_id, 2, "b", "w", "t", 2), Claim)


def test_verbs_when_the_session_is_over_then_are_refused(
    actor: Actor, handover: Handover, store: SessionStore
) -> None:
    session_id = actor.ready()
    handover.invite(session_id, 1)
    store.begin_ending(session_id, Reason.ENDED_BY_API)
    assert handover.invite(session_id, 1) == Refusal("over")
    assert handover.stand_by(session_id, 2, "b") == Refusal("over")
    assert handover.bequeath(session_id, 1, "") == Refusal("over")
    gone = "session_1753590741399_qlgq6cfjw"
    assert handover.invite(gone, 1) == Refusal("gone")
    assert handover.stand_by(gone, 2, "b") == Refusal("gone")
    assert handover.bequeath(gone, 1, "") == Refusal("gone")


def test_wait_when_something_happens_then_returns_it_at_once(
    actor: Actor, handover: Handover, store: SessionStore, event_log: EventLog
) -> None:
    session_id = actor.ready()
    last = event_log.last_id(session_id)
    assert handover.wait_for_event(session_id, last) == last
    event = store.emit(session_id, "error", {})
    assert handover.wait_for_event(session_id, last) == event
