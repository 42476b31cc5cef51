"""Redis is there and refuses writes: full, failing over, or with nobody to copy them to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from sessions.connections import REDIS_AWAY
from sessions.directory import Directory
from sessions.pulse import Pulse
from sessions.settings import Settings
from sessions.states import Reason, State
from sessions.store import SessionStore
from tests.fixtures.redis import RedisServer
from tests.support.own_redis import redis_in
from tests.support.ports import free_port
from tests.support.sessions import Actor, new_session, owner_of


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis of this file: the house of other tests would feel what it is told to refuse."""
    port = free_port()
    with redis_in(tmp_path_factory.mktemp("refusing"), port) as child:
        yield RedisServer(port, child)


@contextmanager
def configured(redis: Redis, name: str, value: int) -> Iterator[None]:
    redis.config_set(name, value)
    try:
        yield
    finally:
        redis.config_set(name, 0)


@contextmanager
def failing_over(redis: Redis) -> Iterator[None]:
    redis.replicaof("127.0.0.1", "1")
    try:
        yield
    finally:
        redis.replicaof("no", "one")


def test_store_when_redis_is_full_then_what_is_there_goes_on_and_ends_and_nothing_new_comes(
    actor: Actor, store: SessionStore, directory: Directory, redis: Redis, settings: Settings
) -> None:
    called, waiting = actor.ready(), actor.queued()
    with configured(redis, "maxmemory", 1):
        with pytest.raises(OutOfMemoryError):
            store.create(new_session())
        assert store.renew(called, 1, owner_of(1)) is State.READY
        assert store.emit(called, "transcript", {}, generation=1, turn={"role": "user"})
        assert actor.claim(waiting).session.state is State.STARTING
        assert store.begin_ending(called, Reason.USER_LEFT, generation=1) is None
        assert store.release(called, owner_of(1)) is None
        assert called in store.due()
        session = directory.load(called)
        assert session is not None
        assert store.finish(session) is None
        assert Pulse(redis, settings).beat() is False
    assert directory.load(called) is None


def test_store_when_redis_takes_no_writes_then_it_counts_as_away(
    actor: Actor, store: SessionStore, directory: Directory, redis: Redis
) -> None:
    session_id = actor.ready()
    session = directory.load(session_id)
    assert session is not None
    for refusing in (configured(redis, "min-replicas-to-write", 1), failing_over(redis)):
        with refusing:
            with pytest.raises(REDIS_AWAY):
                store.renew(session_id, 1, owner_of(1))
            with pytest.raises(REDIS_AWAY):
                store.due()
            (reply,) = store.begin_ending_many([(session, Reason.MAX_DURATION)])
            assert isinstance(reply, REDIS_AWAY)
    assert store.renew(session_id, 1, owner_of(1)) is State.READY
