"""What becomes of a wish about an agent's ears?"""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from redis import Redis

from sessions.directory import Directory
from sessions.events import EventLog
from sessions.keys import SessionKeys
from sessions.listening import Wish
from sessions.models import SessionConfig
from sessions.outcomes import Refusal
from sessions.states import Reason, State
from sessions.store import SessionStore
from tests.support.sessions import Actor


def orders(redis: Redis, session_id: str) -> list[tuple[str, object]]:
    entries = cast("list[Any]", redis.xrange(SessionKeys.of(session_id).control))
    return [(fields["command"], json.loads(fields["data"])) for _, fields in entries]


@pytest.mark.parametrize("state", ["queued", "starting", "ready", "recovering"])
def test_listen_when_the_session_lives_then_config_and_agent_are_told_at_once(
    actor: Actor, store: SessionStore, directory: Directory, redis: Redis, state: str
) -> None:
    session_id = getattr(actor, state)()
    newest = EventLog(redis).last_id(session_id)
    before = directory.config(session_id)
    assert store.listen(session_id, on=False) == Wish(State(state), newest)
    after = directory.config(session_id)
    assert before is not None
    assert after is not None
    assert (before.listening, after.listening) == (True, False)
    assert after.updated_at >= before.updated_at
    assert after.to_json() == {**before.to_json(), "listening": False}
    assert orders(redis, session_id)[-1] == ("listen", {"on": False})
    store.listen(session_id, on=True)
    again = directory.config(session_id)
    assert again is not None
    assert again.listening
    assert orders(redis, session_id)[-1] == ("listen", {"on": True})
    assert EventLog(redis).last_id(session_id) == newest


def test_listen_when_before_the_claim_then_the_agent_finds_it_in_its_config(
    actor: Actor, store: SessionStore
) -> None:
    session_id = actor.queued()
    store.listen(session_id, on=False)
    claimed = actor.claim(session_id).config_fields
    assert not SessionConfig.from_hash(claimed).listening
    store.listen(session_id, on=True)
    assert store.ready(session_id, 1) is None
    assert store.recover(session_id, "crash", unless_leased=False) == 2
    store.listen(session_id, on=False)
    assert not SessionConfig.from_hash(actor.claim(session_id, 2).config_fields).listening


def test_listen_when_the_session_is_over_then_nothing_is_written(
    actor: Actor, store: SessionStore, directory: Directory, redis: Redis
) -> None:
    session_id = actor.ready()
    store.begin_ending(session_id, Reason.ENDED_BY_API)
    assert store.listen(session_id, on=False) == Refusal("state")
    config = directory.config(session_id)
    assert config is not None
    assert config.listening
    assert orders(redis, session_id) == [("end", {})]
    session = directory.load(session_id)
    assert session is not None
    store.finish(session)
    assert store.listen(session_id, on=False) == Refusal("gone")
    assert not redis.exists(SessionKeys.of(session_id).control)


def test_listen_when_the_config_was_lost_then_no_part_of_one_is_written(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.ready()
    config = SessionKeys.of(session_id).config
    redis.delete(config)
    assert isinstance(store.listen(session_id, on=False), Wish)
    assert not redis.exists(config)
    assert orders(redis, session_id) == [("listen", {"on": False})]


def test_listen_when_written_then_every_key_still_has_its_ttl(
    actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.ready()
    store.listen(session_id, on=False)
    keys = SessionKeys.of(session_id)
    assert all(redis.ttl(key) > 0 for key in (keys.session, keys.config, keys.control))
