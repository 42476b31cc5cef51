"""`create`: a session comes into being, whole or not at all."""

from __future__ import annotations

import pytest
from redis import Redis

from sessions import keys
from sessions.directory import Directory
from sessions.errors import LimitReachedError, NoCapacityError
from sessions.events import EventLog
from sessions.fleet import WorkerRecord
from sessions.keys import SessionKeys
from sessions.limits import Limits
from sessions.models import Session
from sessions.outcomes import AliasTaken
from sessions.settings import Settings
from sessions.states import Channel, Reason, State
from sessions.store import SessionStore
from tests.fixtures.redis import MakeSettings
from tests.support.sessions import Actor, config_for, new_session


def test_create_when_voice_then_queues_a_first_generation(
    store: SessionStore, directory: Directory, event_log: EventLog, alive_worker: WorkerRecord
) -> None:
    new = new_session(aliases=["mine"], request_hash="abc")
    before = store.now()
    assert isinstance(store.create(new), Session)
    session = directory.load(new.id)
    assert session is not None
    assert (session.state, session.generation, session.owned_generation) == (State.QUEUED, 1, 0)
    assert (session.channel, session.room, session.scope) == (Channel.VOICE, new.id, "local")
    assert session.request_hash == "abc"
    assert before - 5 <= session.accepted <= store.now() + 5
    assert session.queue_until == session.accepted + 60_000
    assert session.expires_at == session.queue_until + 3_600_000
    assert directory.queue() == [new.id]
    assert directory.aliases(session) == ["mine"]
    assert [(e.type, e.data) for e in event_log.read(new.id)] == [
        ("session_state", {"session_id": new.id, "state": "queued", "generation": 1})
    ]


def test_create_when_text_then_is_ready_without_a_worker(
    store: SessionStore, directory: Directory
) -> None:
    new = new_session(channel=Channel.TEXT)
    assert isinstance(store.create(new), Session)
    session = directory.load(new.id)
    assert session is not None
    assert (session.state, session.generation) == (State.READY, 0)
    assert directory.queue() == []


def test_create_when_done_then_the_config_reads_back_as_it_was(
    actor: Actor, directory: Directory
) -> None:
    config = directory.config(actor.queued(user="Zoë\n\x00"))
    assert config is not None
    assert config.updated_at > 0
    assert config.to_json() == config_for("Zoë\n\x00").to_json()


def test_create_when_an_alias_is_taken_then_writes_nothing(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    first = actor.queued(aliases=["two"])
    before = sorted(redis.scan_iter())
    assert store.create(new_session(aliases=["one", "two"])) == AliasTaken(first)
    assert sorted(redis.scan_iter()) == before


def test_create_when_another_scope_uses_the_alias_then_both_have_it(
    actor: Actor, directory: Directory
) -> None:
    mine, yours = actor.queued(aliases=["a"]), actor.queued(aliases=["a"], scope="key_b")
    assert directory.by_alias("local", "a") == mine
    assert directory.by_alias("key_b", "a") == yours
    assert directory.by_alias("key_c", "a") is None


def test_create_when_no_worker_reports_then_says_no_capacity(
    store: SessionStore, redis: Redis
) -> None:
    with pytest.raises(NoCapacityError) as caught:
        store.create(new_session())
    assert caught.value.retry_after > 0
    assert list(redis.scan_iter()) == [keys.FIGURES]


def test_create_when_the_last_worker_is_silent_too_long_then_says_no_capacity(
    store: SessionStore, settings: Settings, redis: Redis
) -> None:
    redis.zadd(keys.WORKERS, {"w": store.now() - settings.worker_lost_seconds * 1000 - 1})
    with pytest.raises(NoCapacityError):
        store.create(new_session())


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(live=2), "live sessions of this key"),
        (Limits(live_per_user=2), "live sessions of this user"),
        (Limits(starts_per_minute=2), "starts a minute"),
    ],
)
def test_create_when_a_limit_is_reached_then_is_refused_with_a_time_to_wait(
    actor: Actor, store: SessionStore, directory: Directory, limits: Limits, says: str
) -> None:
    for _ in range(2):
        actor.queued(limits=limits)
    with pytest.raises(LimitReachedError, match=says) as caught:
        store.create(new_session(limits=limits))
    assert 1 <= caught.value.retry_after <= 60
    assert directory.count_live() == 2


def test_create_when_another_user_or_key_is_at_its_limit_then_succeeds(actor: Actor) -> None:
    limits = Limits(live=2, live_per_user=1)
    actor.queued(limits=limits)
    actor.queued(limits=limits, user="Bob")
    actor.queued(limits=limits, scope="key_b")


def test_create_when_the_house_is_full_then_is_refused(
    redis: Redis, make_settings: MakeSettings, alive_worker: WorkerRecord
) -> None:
    store = SessionStore(redis, make_settings(limit_live_sessions=1))
    assert isinstance(store.create(new_session()), Session)
    with pytest.raises(LimitReachedError, match="in the house"):
        store.create(new_session(scope="key_b", user="Bob"))


def test_create_when_an_old_session_is_finished_then_its_place_is_free(
    actor: Actor, store: SessionStore, directory: Directory
) -> None:
    limits = Limits(live=1)
    session = directory.load(actor.queued(limits=limits))
    assert session is not None
    store.begin_ending(session.id, Reason.ENDED_BY_API)
    store.finish(session)
    actor.queued(limits=limits)


def test_create_when_more_urgent_then_stands_before_the_others(
    actor: Actor, directory: Directory
) -> None:
    first, second, urgent = actor.queued(), actor.queued(), actor.queued(priority=1)
    assert directory.queue()[0] == urgent
    assert sorted(directory.queue()[1:]) == sorted([first, second])


def test_create_when_taken_up_too_late_then_writes_nothing_and_the_next_one_succeeds(
    store: SessionStore, alive_worker: WorkerRecord, directory: Directory
) -> None:
    # As after a failover to a Redis whose clock is a minute ahead.
    store._clock.learn(store.now() - 60_000)
    late = new_session()
    with pytest.raises(TimeoutError, match="nothing was started"):
        store.create(late)
    assert directory.load(late.id) is None
    assert isinstance(store.create(late), Session)


def test_create_when_done_then_every_key_has_a_ttl(actor: Actor, redis: Redis) -> None:
    own = SessionKeys.of(actor.queued(aliases=["a"]))
    found = set(redis.scan_iter())
    assert {own.session, own.config, own.events, own.aliases, keys.alias("local", "a")} <= found
    assert [name for name in found if redis.ttl(name) < 0] == []
