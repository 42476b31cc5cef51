"""Who is served next, who is sent for again, and who is told its place, whatever messages do."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker.request import Request
from kombu.message import Message
from redis import Redis

from sessions import keys
from sessions.events import EventLog
from sessions.fleet import WorkerRecord
from sessions.ids import new_session_id
from sessions.keys import SessionKeys
from sessions.states import Reason, State
from tests.fixtures.redis import MakeSettings
from tests.support.ports import free_port
from tests.support.sessions import Actor
from workers import picking
from workers.app import RUN_SESSION
from workers.context import Context
from workers.picking import pick
from workers.sessions import run_session
from workers.upkeep import queueing, reaping
from workers.upkeep.queueing import look_after_queue
from workers.upkeep.reaping import reap

Sent = list[tuple[str, int]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """The messages that upkeep sends."""
    messages: Sent = []
    for module in (queueing, reaping):
        monkeypatch.setattr(module, "nudge", lambda *message: messages.append(message))
    return messages


def busy(context: Context, slots: int, taken: int) -> None:
    now = context.store.now()
    record = WorkerRecord("sessions@test", "test", 1, "boot", "0", slots, taken, now)
    context.fleet.report(record)


def told(event_log: EventLog, session_id: str) -> list[int]:
    events = event_log.read(session_id)
    return [e.data["position"] for e in events if e.type == "queue_position"]


def test_pick_when_the_message_names_another_then_whoever_waits_first_is_served(
    context: Context, actor: Actor
) -> None:
    first, second, urgent = actor.queued(), actor.queued(), actor.queued(priority=1)
    assert pick(context, second, 1) == (urgent, 1)
    assert pick(context, new_session_id(), 1) == (first, 1)
    assert pick(context, first, 7) == (second, 1)
    assert pick(context, second, 1) is None


def test_pick_when_a_call_has_lost_its_agent_then_any_message_brings_it_one(
    context: Context, actor: Actor
) -> None:
    lost, replaced, waiting = actor.recovering(), actor.recovering(), actor.queued(priority=9)
    actor.claim(replaced, 2)
    assert pick(context, waiting, 1) == (lost, 2)
    assert pick(context, lost, 2) == (waiting, 1)


def message_with(*args: object) -> Message:
    """Return a message as Celery gets it."""
    return Message(
        body=json.dumps([args, {}, {"chord": None}]),
        content_type="application/json",
        content_encoding="utf-8",
        headers={"id": "1", "task": RUN_SESSION, "argsrepr": repr(args)},
    )


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch, context: Context) -> list[Request]:
    """What has become a task, after `picking` has had its way."""
    tasks: list[Request] = []

    def default(*_: object, **__: object) -> Any:
        return lambda message, *_: tasks.append(
            Request(message, app=run_session.app, task=run_session)
        )

    monkeypatch.setattr(picking, "default", default)
    monkeypatch.setattr(picking, "get_context", lambda: context)
    return tasks


def handle(message: Message) -> int:
    """Hand a message on, and return how often it was acknowledged without a task."""
    acknowledged: list[object] = []
    consumer = SimpleNamespace(connection_errors=())
    take = picking.strategy(None, None, consumer)
    take(message, None, lambda *_: acknowledged.append(_), None, [])
    return len(acknowledged)


def test_message_when_taken_then_parent_and_child_and_flower_know_the_session_that_is_served(
    actor: Actor, taken: list[Request]
) -> None:
    usual, urgent = actor.queued(), actor.queued(priority=1)
    assert handle(message_with(usual, 1)) == 0
    [request] = taken
    assert request.args == [urgent, 1]
    assert json.loads(request.body)[0] == [urgent, 1]
    assert request.argsrepr == repr((urgent, 1))


def test_message_when_nobody_waits_then_it_costs_no_process(
    actor: Actor, taken: list[Request]
) -> None:
    assert handle(message_with(actor.ready(), 1)) == 1
    assert handle(message_with("no session at all", 1)) == 1
    assert taken == []


def test_message_when_it_cannot_be_read_or_redis_is_away_then_the_claim_decides(
    taken: list[Request], make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert handle(message_with("only one")) == 0
    away = Context.of(make_settings(redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    monkeypatch.setattr(picking, "get_context", lambda: away)
    assert handle(message_with("session_x", 1)) == 0
    assert [request.args for request in taken] == [["only one"], ["session_x", 1]]


def test_upkeep_when_messages_were_lost_then_sends_one_for_each_free_slot(
    redis: Redis, make_settings: MakeSettings, actor: Actor, sent: Sent
) -> None:
    context = Context.of(make_settings(renudge_seconds=0.001))
    first, second, _ = actor.queued(), actor.queued(), actor.queued()
    busy(context, 3, 1)
    look_after_queue(context)
    assert sent == [(first, 1), (second, 1)]
    context.redis.close()


def test_upkeep_when_a_session_has_only_just_come_then_its_own_message_is_waited_for(
    context: Context, actor: Actor, sent: Sent, event_log: EventLog
) -> None:
    session_id = actor.queued()
    look_after_queue(context)
    assert (sent, told(event_log, session_id)) == ([], [])


def test_upkeep_when_all_are_busy_then_places_are_told_as_they_change(
    context: Context, actor: Actor, sent: Sent, event_log: EventLog
) -> None:
    first, second = actor.queued(), actor.queued()
    busy(context, 1, 1)
    for _ in range(2):
        look_after_queue(context)
    urgent = actor.queued(priority=1)
    look_after_queue(context)
    actor.claim(urgent)
    context.store.begin_ending(first, Reason.ENDED_BY_API)
    look_after_queue(context)
    assert [told(event_log, one) for one in (urgent, first, second)] == [[1], [1, 2], [2, 3, 1]]
    assert sent == []


def test_upkeep_when_the_queue_is_long_then_tells_no_more_than_a_part_at_a_time(
    context: Context, actor: Actor, event_log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "_TOLD_EACH_TIME", 5)
    waiting = [actor.queued() for _ in range(23)]
    busy(context, 1, 1)
    look_after_queue(context)
    told_at_once = [one for one in waiting if told(event_log, one)]
    assert told_at_once[:5] == waiting[:5]
    assert 6 <= len(told_at_once) <= 10
    for _ in range(200):
        look_after_queue(context)
    assert [told(event_log, one) for one in waiting] == [[n] for n in range(1, 24)]


def make_due(context: Context, *session_ids: str) -> None:
    context.redis.zadd(keys.DEADLINES, dict.fromkeys(session_ids, 1.0))


def test_reap_when_a_session_has_waited_as_long_as_it_would_then_ends(
    context: Context, actor: Actor, sent: Sent
) -> None:
    patient, over = actor.queued(), actor.queued()
    context.redis.hset(SessionKeys.of(over).session, "queueUntil", 1)
    make_due(context, over)
    reap(context)
    session = context.directory.load(over)
    assert session is not None
    assert (session.state, session.reason) == (State.ENDING, Reason.QUEUE_TIMEOUT)
    assert context.directory.queue() == [patient]


def test_reap_when_one_of_many_cannot_be_ended_then_the_others_are(
    context: Context, actor: Actor, sent: Sent, capsys: pytest.CaptureFixture[str]
) -> None:
    over = [actor.queued() for _ in range(5)]
    for session_id in over:
        context.redis.hset(SessionKeys.of(session_id).session, "queueUntil", 1)
    # Whoever wants to write an event into this will fail.
    broken = SessionKeys.of(over[2]).events
    context.redis.delete(broken)
    context.redis.set(broken, "no stream", ex=60)
    make_due(context, *over)
    assert reap(context) == 5
    states = [session and session.reason for session in context.directory.load_many(over)]
    assert [states[n] for n in (0, 1, 3, 4)] == [Reason.QUEUE_TIMEOUT] * 4
    assert "session_not_settled" in capsys.readouterr().out


def test_reap_when_much_is_due_then_calls_without_an_agent_come_first(
    context: Context, actor: Actor, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, lost = actor.text(), actor.ready()
    context.store.begin_ending(ended, Reason.ENDED_BY_API)
    context.redis.delete(SessionKeys.of(lost).lease)
    order: list[str] = []
    monkeypatch.setattr(reaping, "nudge", lambda session_id, _: order.append(session_id))
    monkeypatch.setattr(reaping, "finish", lambda _, session: order.append(session.id))
    context.redis.zadd(keys.DEADLINES, {ended: 1, lost: 2})
    context.pulse.beat()
    reap(context)
    assert order == [lost, ended]
