"""`claim`, `ready`, `renew`, `release`: what an agent does with a session."""

from __future__ import annotations

import pytest
from redis import Redis

from sessions import keys
from sessions.directory import Directory
from sessions.errors import StaleGenerationError
from sessions.events import EventLog
from sessions.ids import new_session_id
from sessions.keys import SessionKeys
from sessions.outcomes import Refusal
from sessions.settings import Settings
from sessions.states import Reason, State
from sessions.store import SessionStore
from tests.support.sessions import Actor, owner_of


def claim(store: SessionStore, session_id: str, generation: int = 1, pid: int = 8):
    return store.claim(session_id, generation, owner_of(generation, pid), "w", "task", pid)


def deadline(redis: Redis, session_id: str) -> float:
    score = redis.zscore(keys.DEADLINES, session_id)
    assert isinstance(score, float)
    return score


def test_claim_when_queued_then_owns_starts_and_leaves_the_queue(
    actor: Actor, directory: Directory, redis: Redis, settings: Settings
) -> None:
    session_id = actor.queued()
    got = actor.claim(session_id)
    assert got.session.state is State.STARTING
    assert got.session.owner == got.owner == owner_of(1)
    assert (got.session.worker, got.session.task_id) == ("sessions@test", "task-1")
    assert got.session.timeline["claimed"] == got.session.claimed_at == got.at
    assert got.config_fields["openingLine"] == "Hello Ada."
    assert directory.load(session_id) == got.session
    assert directory.leased([session_id, new_session_id()]) == [True, False]
    own = SessionKeys.of(session_id)
    assert redis.get(own.lease) == got.owner
    assert redis.get(own.pid) == "7"
    assert 0 < redis.pttl(own.lease) <= settings.lease_seconds * 1000
    assert directory.queue() == []
    assert deadline(redis, session_id) == got.at + settings.lease_seconds * 1000 + 1


def test_claim_when_it_has_waited_longer_than_it_may_last_then_lasts_as_long_all_the_same(
    actor: Actor, redis: Redis
) -> None:
    session_id = actor.queued(max_duration_seconds=10)
    for moment in ("accepted", "queueUntil", "expiresAt"):
        redis.hincrby(SessionKeys.of(session_id).session, moment, -50_000)
    got = actor.claim(session_id)
    assert got.session.expires_at == got.at + 10_000


def test_claim_when_made_twice_then_the_second_is_refused(
    actor: Actor, store: SessionStore
) -> None:
    assert claim(store, actor.starting()) == Refusal("owned")


def test_claim_when_the_generation_is_over_or_not_yet_then_is_refused(
    actor: Actor, store: SessionStore
) -> None:
    session_id = actor.recovering()
    assert claim(store, session_id, 1) == Refusal("stale")
    assert claim(store, session_id, 3) == Refusal("stale")


def test_claim_when_the_session_ends_then_is_refused(actor: Actor, store: SessionStore) -> None:
    session_id = actor.queued()
    store.begin_ending(session_id, Reason.USER_LEFT)
    assert claim(store, session_id) == Refusal("over")


def test_claim_when_there_is_no_session_then_is_refused_and_leaves_no_key(
    store: SessionStore, redis: Redis
) -> None:
    assert claim(store, new_session_id()) == Refusal("gone")
    assert list(redis.scan_iter()) == []


def test_claim_when_text_then_is_refused(actor: Actor, store: SessionStore) -> None:
    assert claim(store, actor.text(), 0) == Refusal("owned")


def test_claim_when_recovering_then_stays_recovering_until_ready(
    actor: Actor, store: SessionStore, directory: Directory, event_log: EventLog
) -> None:
    session_id = actor.recovering()
    first = directory.load(session_id)
    assert first is not None
    got = actor.claim(session_id, 2)
    assert got.session.state is State.RECOVERING
    assert got.session.timeline["claimed"] == first.timeline["claimed"]
    assert store.ready(session_id, 2) is None
    assert [e.type for e in event_log.read(session_id)][-2:] == ["session_state", "agent_recovered"]


def test_ready_when_starting_then_is_ready_and_stamped(
    actor: Actor, store: SessionStore, directory: Directory
) -> None:
    session_id = actor.starting()
    assert store.ready(session_id, 1, {"joined": store.now()}) is None
    session = directory.load(session_id)
    assert session is not None
    assert session.state is State.READY
    assert set(session.timeline) == {"accepted", "claimed", "joined", "ready"}


def test_ready_when_out_of_place_then_says_why(actor: Actor, store: SessionStore) -> None:
    assert store.ready(new_session_id(), 1) == Refusal("gone")
    assert store.ready(actor.queued(), 1) == Refusal("state")
    assert store.ready(actor.ready(), 1) == Refusal("state")
    assert store.ready(actor.starting(), 2) == Refusal("stale")
    assert store.ready(actor.recovering(), 1) == Refusal("stale")


def test_ready_when_its_generation_is_not_claimed_then_is_refused(
    actor: Actor, store: SessionStore
) -> None:
    assert store.ready(actor.recovering(), 2) == Refusal("state")


def test_renew_when_owner_then_prolongs_lease_keys_and_aliases(
    actor: Actor, store: SessionStore, redis: Redis, settings: Settings
) -> None:
    session_id = actor.ready(aliases=["a"])
    own = SessionKeys.of(session_id)
    for name in (own.session, own.lease, own.aliases, keys.alias("local", "a")):
        redis.pexpire(name, 5000)
    assert store.renew(session_id, 1, owner_of(1)) is State.READY
    assert redis.pttl(own.lease) > 9000
    for name in (own.session, own.aliases, keys.alias("local", "a")):
        assert redis.ttl(name) > settings.session_ttl_seconds - 60


def test_renew_when_the_lease_was_lost_but_nobody_took_over_then_has_it_again(
    actor: Actor, store: SessionStore, directory: Directory, redis: Redis
) -> None:
    session_id = actor.ready()
    redis.delete(SessionKeys.of(session_id).lease)
    store.renew(session_id, 1, owner_of(1))
    assert directory.leased([session_id]) == [True]


def test_renew_when_not_the_owner_then_raises(actor: Actor, store: SessionStore) -> None:
    ready, recovering = actor.ready(), actor.recovering()
    for session_id, generation, owner in (
        (new_session_id(), 1, owner_of(1)),
        (ready, 1, owner_of(1, pid=8)),
        (ready, 2, owner_of(2)),
        (recovering, 1, owner_of(1)),
        (recovering, 2, owner_of(1)),
        (recovering, 2, owner_of(2)),
    ):
        with pytest.raises(StaleGenerationError):
            store.renew(session_id, generation, owner)


def test_renew_when_ending_then_tells_so_and_keeps_the_end_of_grace(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.ready()
    store.begin_ending(session_id, Reason.ENDED_BY_API)
    grace = deadline(redis, session_id)
    assert store.renew(session_id, 1, owner_of(1)) is State.ENDING
    assert deadline(redis, session_id) == grace


def test_renew_when_the_longest_duration_is_over_then_does_not_put_the_end_off(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.ready()
    limit = store.now() - 1000
    redis.hset(SessionKeys.of(session_id).session, "expiresAt", limit)
    store.renew(session_id, 1, owner_of(1))
    assert deadline(redis, session_id) == limit
    assert store.due() == [session_id]


def test_release_when_owner_then_gives_the_lease_up_and_is_due_at_once(
    actor: Actor, store: SessionStore, directory: Directory, redis: Redis
) -> None:
    session_id = actor.ready()
    assert store.release(session_id, owner_of(1)) is None
    assert directory.leased([session_id]) == [False]
    assert not redis.exists(SessionKeys.of(session_id).pid)
    assert store.due() == [session_id]


def test_renew_when_it_comes_after_the_release_then_is_refused(
    actor: Actor, store: SessionStore
) -> None:
    session_id = actor.ready()
    store.release(session_id, owner_of(1))
    with pytest.raises(StaleGenerationError):
        store.renew(session_id, 1, owner_of(1))


def test_release_when_not_the_owner_then_is_refused(actor: Actor, store: SessionStore) -> None:
    assert store.release(new_session_id(), owner_of(1)) == Refusal("gone")
    assert store.release(actor.ready(), owner_of(1, pid=8)) == Refusal("stale")
    assert store.release(actor.recovering(), owner_of(1)) == Refusal("stale")
