"""The database goes away and comes back: whatever ended meanwhile is archived, once and whole."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import make_url

from orchestrator.app import create_app
from sessions import keys
from sessions.archive import Archive
from sessions.database import open_database
from sessions.keys import SessionKeys
from sessions.schema import migrate
from sessions.settings import Settings
from sessions.states import Reason, State
from sessions.usage import Amounts, Model, Usage
from tests.fixtures.postgres import Postgres
from tests.fixtures.redis import MakeSettings
from tests.support.eventually import eventually
from tests.support.sessions import Actor, owner_of
from workers.context import Context
from workers.upkeep import finishing
from workers.upkeep.archiving import archive
from workers.upkeep.reaping import reap

SPOKEN = Usage(900, 1400, {Model("tts", "embedded", "tts-1"): Amounts(1, characters=11)})
MANY = 7


@dataclass
class Kept:
    """An archive that can be taken away."""

    context: Context
    away: Callable[[], AbstractContextManager[None]]

    def make_due(self, *session_ids: str) -> None:
        self.context.redis.zadd(keys.DEADLINES, dict.fromkeys(session_ids, 1.0))

    def state(self, session_id: str) -> State | None:
        session = self.context.directory.load(session_id)
        return session.state if session else None


@contextmanager
def moved_away(settings: Settings) -> Iterator[None]:
    path = Path(make_url(settings.database_url).database or "")
    aside = path.with_suffix(".aside")
    path.rename(aside)
    try:
        yield
    finally:
        aside.replace(path)


@pytest.fixture(scope="module")
def postgres_url(postgres: Postgres) -> str:
    url = postgres.make("archive_away")
    engine = open_database(url)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(
    request: pytest.FixtureRequest, redis: Redis, make_settings: MakeSettings
) -> Iterator[Kept]:
    if request.param == "sqlite":
        settings = make_settings()
        kept = Kept(Context.of(settings), lambda: moved_away(settings))
    else:
        server: Postgres = request.getfixturevalue("postgres")
        settings = make_settings(database_url=request.getfixturevalue("postgres_url"))
        kept = Kept(Context.of(settings), server.away)
    yield kept
    kept.context.redis.close()


def ending(actor: Actor, context: Context, number: int) -> str:
    """Have a call end whose agent has left, with all that can be known of one."""
    session_id = actor.ready(aliases=[f"call-{number}"])
    turn = {"role": "user", "text": f"I am caller {number}.", "generation": 1}
    context.store.emit(session_id, "transcript", {}, turn=turn, generation=1)
    context.store.account(session_id, 1, SPOKEN)
    context.store.begin_ending(session_id, Reason.USER_LEFT)
    context.store.release(session_id, owner_of(1))
    return session_id


def test_sessions_when_the_database_is_away_then_wait_whole_and_are_archived_once(
    kept: Kept, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = kept.context
    ids = [ending(actor, context, number) for number in range(MANY)]
    saved: list[str] = []
    save = Archive.save

    def counted(self: Archive, *args: object) -> bool:
        saved.append("tried")
        done = save(self, *args)  # pyright: ignore[reportArgumentType]
        saved.append("done" if done else "there already")
        return done

    monkeypatch.setattr(Archive, "save", counted)
    with kept.away():
        shorten_ttls(context.redis, ids[0])
        kept.make_due(*ids)
        assert reap(context) == MANY
        # One has asked for all.
        assert saved == ["tried"]
        assert_all_wait(kept, ids)
        client = create_app(context.settings).test_client()
        shown = client.get(f"/orchestrator/session/{ids[0]}").get_json()
        assert (shown["state"], shown["reason"]) == ("ending", "user_left")
        assert shown["usage"] == SPOKEN.to_json()

    def archived() -> bool:
        kept.make_due(*[id_ for id_ in ids if kept.state(id_)])
        reap(context)
        return not any(map(kept.state, ids))

    eventually(archived, 20, "all are archived")
    assert saved.count("done") == MANY
    for number, session_id in enumerate(ids):
        found = context.archive.load(session_id)
        assert found is not None
        assert [turn["text"] for turn in found.transcript] == [f"I am caller {number}."]
        assert context.archive.by_alias(found.scope, f"call-{number}") == session_id
        assert found.usage == SPOKEN.to_json()
        assert [one["cause"] for one in found.generations] == ["left"]
        assert found.timeline["ending"] <= found.ended_at
        assert found.config["userName"] == "Ada"
        log_length = context.redis.xlen(SessionKeys.of(session_id).events)
        assert found.events == log_length


def shorten_ttls(redis: Redis, session_id: str) -> None:
    """Let everything that Redis has of a session be about to go."""
    for key in redis.scan_iter("*"):
        if session_id in str(key) or redis.type(key) == "string":
            redis.expire(key, 60)


def assert_all_wait(kept: Kept, ids: list[str]) -> None:
    redis, now = kept.context.redis, kept.context.store.now()
    for session_id in ids:
        assert kept.state(session_id) is State.ENDING
        deadline = redis.zscore(keys.DEADLINES, session_id)
        assert isinstance(deadline, float)
        assert now + 1000 < deadline <= now + 5000
    lasting = kept.context.settings.session_ttl_seconds - 100
    for key in redis.scan_iter("*"):
        if str(key).startswith(("session:", "alias:")):
            assert redis.ttl(key) > lasting, key


def test_room_when_the_agent_is_lost_and_the_database_away_then_is_taken_down_once(
    actor: Actor, redis: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(finishing, "_close_room", lambda _, session_id: closed.append(session_id))
    context = Context.of(settings)
    session_id = actor.ready()
    context.store.begin_ending(session_id, Reason.AGENT_ERROR)
    redis.delete(SessionKeys.of(session_id).lease)
    with moved_away(settings):
        for _ in range(3):
            redis.zadd(keys.DEADLINES, {session_id: 1.0})
            reap(context)
            assert closed == [session_id]
    session = context.directory.load(session_id)
    assert session is not None
    eventually(lambda: archive(context, session), 10, "it is archived")
    found = context.archive.load(session_id)
    assert found is not None
    assert [one["cause"] for one in found.generations] == ["lost"]
    context.redis.close()


def test_session_when_it_waits_long_then_is_tried_less_and_less_often(
    actor: Actor, redis: Redis, settings: Settings
) -> None:
    context = Context.of(settings)
    session_id = ending(actor, context, 1)
    pauses: list[int] = []
    for _ in range(6):
        before = context.store.now()
        assert context.store.wait_for_archive(session_id) is None
        deadline = redis.zscore(keys.DEADLINES, session_id)
        assert isinstance(deadline, float)
        pauses.append(round((deadline - before) / 1000))
    assert pauses == [4, 8, 16, 32, 32, 32]
    session = context.directory.load(session_id)
    assert session is not None
    assert session.archive_tries == 6
    context.redis.close()


def test_session_when_it_lives_or_has_gone_then_does_not_wait_for_the_archive(
    actor: Actor, settings: Settings
) -> None:
    context = Context.of(settings)
    for session_id, why in ((actor.ready(), "state"), ("session_1753590741399_aaaaaa", "gone")):
        refused = context.store.wait_for_archive(session_id)
        assert refused is not None
        assert refused.why == why
    context.redis.close()


def test_session_when_the_database_refuses_it_then_the_others_do_not_wait(
    actor: Actor, redis: Redis, make_settings: MakeSettings, postgres_url: str
) -> None:
    """PostgreSQL takes no name of 300 characters; nobody could have brought one."""
    context = Context.of(make_settings(database_url=postgres_url))
    broken, good = ending(actor, context, 21), ending(actor, context, 22)
    redis.hset(SessionKeys.of(broken).session, "worker", "w" * 300)
    for session_id in (broken, good):
        redis.zadd(keys.DEADLINES, {session_id: 1.0 if session_id == broken else 2.0})
    reap(context)
    assert context.archive.load(good) is not None
    waiting = context.directory.load(broken)
    assert waiting is not None
    assert (waiting.state, waiting.archive_tries) == (State.ENDING, 1)
    context.redis.close()


def test_database_when_it_hangs_then_only_some_threads_wait_for_it_and_calls_are_recovered(
    actor: Actor, redis: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, gets_on = Context.of(settings), threading.Event()
    monkeypatch.setattr(Archive, "save", lambda *_: gets_on.wait(60))
    ended = [ending(actor, context, number) for number in range(8)]
    lost = actor.ready()

    def finish(session_id: str) -> None:
        session = context.directory.load(session_id)
        assert session is not None
        finishing.finish(context, session)

    with ThreadPoolExecutor(8) as upkeep:
        try:
            finished = [upkeep.submit(finish, session_id) for session_id in ended]
            eventually(lambda: sum(one.done() for one in finished) == 4, 15, "four are free again")
            redis.delete(SessionKeys.of(lost).lease)
            redis.zadd(keys.DEADLINES, {lost: 1.0})
            upkeep.submit(reap, context).result(15)
            session = context.directory.load(lost)
            assert session is not None
            assert session.state is State.RECOVERING
        finally:
            gets_on.set()
    assert all(one.done() for one in finished)
