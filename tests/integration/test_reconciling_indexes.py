"""The indexes list every session and nothing else, whatever has been done to them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from sessions import keys
from sessions.counters import Drift, drift_counts
from sessions.errors import LimitReachedError
from sessions.ids import new_session_id
from sessions.keys import SessionKeys
from sessions.limits import Limits
from sessions.settings import Settings
from sessions.states import STATE_SCORES, Reason, State
from tests.support.sessions import SCOPE, Actor, new_session
from workers.context import Context
from workers.upkeep import indexes, walking
from workers.upkeep.indexes import mend_indexes

SCOPE_INDEX = keys.scope_sessions(SCOPE)
USER_INDEX = keys.user_sessions(SCOPE, "Ada")
ENDING_INDEX = keys.scope_ending(SCOPE)


def counted(context: Context, kind: Drift) -> int:
    return drift_counts(context.redis)[kind]


def places(context: Context, session_id: str) -> set[str]:
    """Return the indexes that list a session."""
    names = (keys.LIVE, keys.DEADLINES, keys.QUEUE, keys.STATES, SCOPE_INDEX, USER_INDEX)
    return {
        name
        for name in (*names, ENDING_INDEX)
        if context.redis.zscore(name, session_id) is not None
    }


@pytest.mark.parametrize(
    "index", [keys.LIVE, keys.DEADLINES, keys.QUEUE, keys.STATES, SCOPE_INDEX, USER_INDEX]
)
def test_session_when_an_index_has_lost_it_then_gets_its_place_back(
    context: Context, actor: Actor, index: str
) -> None:
    _, lost, _ = (actor.queued() for _ in range(3))
    session, before = context.directory.load(lost), places(context, lost)
    context.redis.zrem(index, lost)
    mend_indexes(context)
    assert places(context, lost) == before
    # As if it had never been out of the queue, to the millisecond.
    place = context.redis.zscore(keys.QUEUE, lost)
    assert session is not None
    assert place is not None
    assert place // 1000 == session.accepted
    assert context.redis.ttl(index) > 0
    assert counted(context, Drift.COUNT_OFF) == 1
    mend_indexes(context)
    assert counted(context, Drift.COUNT_OFF) == 1


def test_session_when_every_index_is_gone_then_is_found_all_the_same(
    context: Context, actor: Actor
) -> None:
    ids = [actor.queued(), actor.ready(), actor.text(), actor.recovering()]
    ending = actor.ready()
    context.store.begin_ending(ending, Reason.ENDED_BY_API)
    before = {session_id: places(context, session_id) for session_id in [*ids, ending]}
    for index in (keys.LIVE, keys.DEADLINES, keys.QUEUE, keys.STATES, SCOPE_INDEX, USER_INDEX):
        context.redis.delete(index)
    context.redis.delete(ENDING_INDEX)
    mend_indexes(context)
    assert {session_id: places(context, session_id) for session_id in before} == before
    assert context.directory.count_by_state()[State.ENDING] == 1
    assert set(context.store.due()) >= set(ids)


def test_session_when_listed_where_it_does_not_belong_then_is_taken_out(
    context: Context, actor: Actor
) -> None:
    ready, ending = actor.ready(), actor.ready()
    context.store.begin_ending(ending, Reason.ENDED_BY_API)
    context.redis.zadd(keys.QUEUE, {ready: 1, ending: 1})
    context.redis.zadd(keys.STATES, {ready: STATE_SCORES[State.QUEUED]})
    context.redis.zadd(USER_INDEX, {ending: 1})
    context.redis.zadd(ENDING_INDEX, {ready: 1})
    mend_indexes(context)
    assert context.directory.queue() == []
    assert context.directory.in_state(State.READY, 5) == [ready]
    assert USER_INDEX not in places(context, ending)
    assert ENDING_INDEX not in places(context, ready)
    assert counted(context, Drift.COUNT_OFF) == 2


def test_limit_when_what_fills_it_does_not_exist_then_calls_can_start_again(
    context: Context, actor: Actor
) -> None:
    strays = {new_session_id(): 1 for _ in range(3)}
    context.redis.zadd(SCOPE_INDEX, strays)
    with pytest.raises(LimitReachedError):
        context.store.create(new_session(limits=Limits(live=3)))
    mend_indexes(context)
    context.store.create(new_session(limits=Limits(live=3)))
    assert counted(context, Drift.INDEX_WITHOUT_SESSION) == 3


def test_indexes_when_two_mend_them_at_once_then_each_thing_is_done_and_counted_once(
    context: Context, settings: Settings, actor: Actor
) -> None:
    ids = [actor.queued() for _ in range(40)]
    context.redis.zrem(keys.LIVE, *ids)
    context.redis.zadd(keys.DEADLINES, {new_session_id(): 1 for _ in range(40)})
    with ThreadPoolExecutor(4) as several:
        list(several.map(mend_indexes, [Context.of(settings) for _ in range(4)]))
    assert counted(context, Drift.COUNT_OFF) == 40
    assert counted(context, Drift.INDEX_WITHOUT_SESSION) == 40
    assert context.directory.count_live() == 40


def test_indexes_when_sessions_come_and_go_meanwhile_then_nothing_is_found_wrong(
    context: Context, settings: Settings, actor: Actor
) -> None:
    def come_and_go(_: int) -> None:
        for _ in range(15):
            session_id = actor.ready()
            context.store.begin_ending(session_id, Reason.ENDED_BY_API)
            session = context.directory.load(session_id)
            assert session is not None
            context.store.finish(session)

    with ThreadPoolExecutor(3) as several:
        work = several.map(come_and_go, range(2))
        for _ in range(10):
            mend_indexes(context)
        list(work)
    assert not any(drift_counts(context.redis).values())


def test_walk_when_there_is_too_much_for_one_then_the_next_goes_on_where_it_ended(
    context: Context, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "BATCH", 5)
    monkeypatch.setattr(indexes, "_KEY_STEPS", 3)
    ids = [actor.queued() for _ in range(30)]
    context.redis.zrem(keys.LIVE, *ids)
    mend_indexes(context)
    first = context.directory.count_live()
    assert 0 < first < 30
    for _ in range(100):
        mend_indexes(context)
        if context.directory.count_live() == 30:
            break
    assert context.directory.count_live() == 30
    assert context.redis.ttl(keys.WALKS) > 0


def test_indexes_when_a_hash_cannot_be_read_then_the_others_are_mended(
    context: Context, actor: Actor
) -> None:
    broken, fine = actor.ready(), actor.ready()
    context.redis.hset(SessionKeys.of(broken).session, "state", "no such state")
    context.redis.zrem(keys.LIVE, fine)
    mend_indexes(context)
    assert keys.LIVE in places(context, fine)
    assert places(context, broken) <= {SCOPE_INDEX, USER_INDEX}
    assert context.store.reindex(broken) == 0
