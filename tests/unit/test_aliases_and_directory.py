"""Which sessions are there, which one does a name mean, and what is each key called?"""

from __future__ import annotations

from redis import Redis

from sessions import keys
from sessions.directory import Directory
from sessions.ids import new_session_id
from sessions.keys import SessionKeys
from sessions.states import STATE_SCORES, State
from tests.support.sessions import Actor


def test_aliases_when_several_then_all_lead_to_the_session_and_back(
    actor: Actor, directory: Directory
) -> None:
    names = ["session-abc-123", "a:b", "session_1753590741399_qlgq6cfjw"]
    session_id = actor.queued(aliases=names)
    session = directory.load(session_id)
    assert session is not None
    assert directory.aliases(session) == sorted(names)
    assert [directory.by_alias("local", name) for name in names] == [session_id] * 3


def test_load_many_when_some_are_gone_then_keeps_the_order(
    actor: Actor, directory: Directory
) -> None:
    first, second = actor.queued(), actor.queued()
    loaded = directory.load_many([second, new_session_id(), first])
    assert [session.id if session else None for session in loaded] == [second, None, first]
    assert directory.load_many([]) == []
    assert directory.config(new_session_id()) is None


def test_newest_when_listed_then_shows_the_own_scope_newest_first(
    actor: Actor, directory: Directory, redis: Redis
) -> None:
    mine = [actor.queued(), actor.queued()]
    other = actor.queued(scope="key_b")
    redis.zadd(keys.scope_sessions("local"), dict(zip(mine, [1000, 2000], strict=True)))
    assert directory.newest("local", None, 10) == mine[::-1]
    assert directory.newest("local", 2000, 10) == mine[:1]
    assert directory.newest("local", None, 1, skip=1) == mine[:1]
    assert set(directory.newest(None, None, 10)) == {*mine, other}
    assert directory.count_live() == 3


def test_counts_when_sessions_are_in_several_states_then_are_by_state(
    actor: Actor, directory: Directory
) -> None:
    actor.queued()
    actor.ready()
    actor.ready()
    counts = directory.count_by_state()
    assert counts == {**dict.fromkeys(STATE_SCORES, 0), State.QUEUED: 1, State.READY: 2}
    assert directory.queue_length() == 1


def test_next_deadline_when_there_are_sessions_then_is_the_earliest(
    actor: Actor, directory: Directory, redis: Redis
) -> None:
    assert directory.next_deadline() is None
    session_id = actor.queued()
    actor.queued()
    redis.zadd(keys.DEADLINES, {session_id: 123})
    assert directory.next_deadline() == 123


def test_forget_when_the_keys_of_a_session_have_gone_then_drops_its_index_entries(
    actor: Actor, directory: Directory, redis: Redis
) -> None:
    session_id = actor.queued()
    redis.delete(*SessionKeys.of(session_id).as_list()[:8])
    directory.forget(session_id)
    assert directory.queue() == []
    assert directory.count_live() == 0
    assert directory.next_deadline() is None


def test_key_when_it_belongs_to_a_session_then_tells_which() -> None:
    session_id = new_session_id()
    for name in SessionKeys.of(session_id).as_list()[:8]:
        assert keys.session_id_of(name) == session_id
    assert keys.session_id_of(keys.alias("local", session_id)) is None
    assert keys.session_id_of(keys.WORKERS) is None


def test_config_when_it_cannot_be_read_then_is_none(
    actor: Actor, directory: Directory, redis: Redis
) -> None:
    session_id = actor.ready()
    redis.hset(SessionKeys.of(session_id).config, "metadata", "{")
    assert directory.config(session_id) is None
