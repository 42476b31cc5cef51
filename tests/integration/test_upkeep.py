"""Upkeep settles what is due, whatever one session or one store does to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from sessions import keys
from sessions.counters import Drift, drift_counts
from sessions.events import EventLog
from sessions.ids import new_session_id
from sessions.keys import SessionKeys
from sessions.settings import Settings
from sessions.states import Reason, State
from tests.support.sessions import Actor, owner_of
from workers.context import Context
from workers.upkeep import finishing, reaping
from workers.upkeep.finishing import finish
from workers.upkeep.reaping import reap
from workers.upkeep.reconciling import reconcile


def make_due(context: Context, *session_ids: str) -> None:
    context.redis.zadd(keys.DEADLINES, dict.fromkeys(session_ids, 1.0))


def test_reap_when_one_session_cannot_be_settled_then_settles_the_others(
    context: Context, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, dead = actor.text(), actor.ready()
    context.store.begin_ending(broken, Reason.ENDED_BY_API)
    context.redis.delete(SessionKeys.of(dead).lease)
    make_due(context, broken, dead)
    sent: list[tuple[str, int]] = []
    monkeypatch.setattr(reaping, "nudge", lambda *message: sent.append(message))

    def fail(*_: object) -> None:
        raise OSError("the disk of the archive is full")

    monkeypatch.setattr(reaping, "finish", fail)
    reap(context)
    assert sent == [(dead, 2)]
    assert context.directory.load(broken) is not None


def test_reap_when_nobody_could_reach_redis_for_a_while_then_waits_for_agents_to_renew(
    context: Context, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off, dead = actor.ready(), actor.ready()
    sent: list[tuple[str, int]] = []
    monkeypatch.setattr(reaping, "nudge", lambda *message: sent.append(message))
    context.pulse.beat()
    context.redis.set(keys.PULSE, context.store.now() - 6000)
    for session_id in (cut_off, dead):
        context.redis.delete(SessionKeys.of(session_id).lease)
    make_due(context, cut_off, dead)
    reap(context)
    assert sent == []
    assert 0 < context.redis.pttl(keys.CUT_OFF) <= context.settings.lease_seconds * 500
    context.store.renew(cut_off, 1, owner_of(1))
    # Time goes by, in which everybody reaches Redis.
    context.redis.delete(keys.CUT_OFF)
    make_due(context, cut_off, dead)
    reap(context)
    assert sent == [(dead, 2)]


def test_reap_when_only_the_reaper_was_away_then_takes_over_at_once(
    context: Context, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = actor.ready()
    sent: list[tuple[str, int]] = []
    monkeypatch.setattr(reaping, "nudge", lambda *message: sent.append(message))
    for seconds_ago in (9, 6, 3):  # a worker reports, and nobody reaps.
        context.redis.set(keys.PULSE, context.store.now() - seconds_ago * 1000)
    context.redis.delete(SessionKeys.of(dead).lease)
    make_due(context, dead)
    reap(context)
    assert sent == [(dead, 2)]


def test_reap_when_a_hash_cannot_be_read_then_drops_it_and_goes_on(
    context: Context, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, ended = actor.ready(), actor.text()
    context.redis.hset(SessionKeys.of(broken).session, "state", "no such state")
    context.store.begin_ending(ended, Reason.ENDED_BY_API)
    make_due(context, broken, ended)
    reap(context)
    assert context.redis.zscore(keys.LIVE, broken) is None
    assert context.directory.load(ended) is None


def test_reap_when_nobody_took_the_call_and_no_worker_is_left_then_ends_for_no_capacity(
    context: Context, actor: Actor
) -> None:
    session_id = actor.queued()
    context.redis.hset(SessionKeys.of(session_id).session, "queueUntil", "1")
    context.redis.delete(keys.WORKERS)
    make_due(context, session_id)
    reap(context)
    session = context.directory.load(session_id)
    assert session is not None
    assert (session.state, session.reason) == (State.ENDING, Reason.NO_CAPACITY)


def test_reap_when_a_call_outlasts_its_limit_then_ends_it_from_outside(
    context: Context, actor: Actor
) -> None:
    session_id = actor.ready()
    context.redis.hset(SessionKeys.of(session_id).session, "expiresAt", "1")
    make_due(context, session_id)
    reap(context)
    session = context.directory.load(session_id)
    assert session is not None
    assert session.reason is Reason.MAX_DURATION


def test_reap_when_several_do_it_at_once_then_nothing_is_done_twice(
    context: Context, settings: Settings, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending, dead = [actor.text() for _ in range(15)], [actor.ready() for _ in range(15)]
    for session_id in ending:
        context.store.begin_ending(session_id, Reason.ENDED_BY_API)
    for session_id in dead:
        context.redis.delete(SessionKeys.of(session_id).lease)
    sent: list[tuple[str, int]] = []
    monkeypatch.setattr(reaping, "nudge", lambda *message: sent.append(message))

    def reap_all(parts: Context) -> None:
        for _ in range(3):
            # As if what one reaper is given were not held back from the next.
            make_due(parts, *ending, *dead)
            reap(parts)

    with ThreadPoolExecutor(3) as several:
        list(several.map(reap_all, [Context.of(settings) for _ in range(3)]))
    assert {nudged for nudged in sent if nudged[1] == 2} == {(one, 2) for one in dead}
    generations = [session and session.generation for session in context.directory.load_many(dead)]
    assert generations == [2] * 15
    for session_id in dead:
        kinds = [event.type for event in EventLog(context.redis).read(session_id)]
        assert kinds.count("agent_recovering") == 1
    for session_id in ending:
        kinds = [event.type for event in EventLog(context.redis).read(session_id)]
        assert kinds.count("session_ended") == 1
        assert context.archive.load(session_id) is not None


def test_finish_when_two_do_it_then_the_archive_keeps_the_whole_session(
    context: Context, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second has loaded the session before the first removes it."""
    session_id = actor.text()
    context.store.emit(session_id, "transcript", {}, turn={"role": "user", "text": "Hello."})
    context.store.begin_ending(session_id, Reason.ENDED_BY_API)
    session = context.directory.load(session_id)
    assert session is not None
    finish(context, session)
    finish(context, session)
    archived = context.archive.load(session_id)
    assert archived is not None
    assert [turn["text"] for turn in archived.transcript] == ["Hello."]
    assert archived.config["userName"] == session.user_name


def test_finish_when_the_agent_has_left_then_does_not_ask_for_its_room_again(
    context: Context, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(finishing, "_close_room", lambda _, session_id: closed.append(session_id))
    orderly, dead = actor.ready(), actor.ready()
    for session_id in (orderly, dead):
        context.store.begin_ending(session_id, Reason.USER_LEFT)
    context.store.release(orderly, owner_of(1))
    for session_id in (orderly, dead):
        session = context.directory.load(session_id)
        assert session is not None
        finish(context, session)
    assert closed == [dead]


def test_reconcile_when_an_index_names_no_session_then_drops_and_counts_it(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    stray = new_session_id()
    for index in (keys.LIVE, keys.QUEUE, keys.DEADLINES):
        context.redis.zadd(index, {stray: 1})
    reconcile(context)
    for index in (keys.LIVE, keys.QUEUE, keys.DEADLINES):
        assert context.redis.zscore(index, stray) is None
    assert {kind for kind, count in drift_counts(context.redis).items() if count} == {
        Drift.INDEX_WITHOUT_SESSION
    }
