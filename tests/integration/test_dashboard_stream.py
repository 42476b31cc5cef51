"""What an operator sees of the house as it happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from redis import Redis
from sqlalchemy import Engine

from sessions import keys
from sessions.archive import Archive
from sessions.connections import connect
from sessions.database import open_database
from sessions.directory import Directory
from sessions.fleet import Fleet, WorkerRecord
from sessions.settings import Settings
from sessions.states import Reason
from sessions.store import SessionStore
from tests.fixtures.web import ServeWeb, Web
from tests.support import loopback
from tests.support.eventually import eventually
from tests.support.http import START, archived
from tests.support.operator import Operator, watching
from tests.support.own_redis import OwnRedis
from tests.support.sessions import Actor

EVENTS = "/dashboard/events"


@pytest.fixture
def operator(web: Web, redis: Redis) -> Iterator[Operator]:
    with watching(web.url) as one:
        yield one


def test_picture_when_somebody_comes_then_has_all_that_lives(
    web: Web, actor: Actor, store: SessionStore
) -> None:
    ready = actor.ready(user="Grace")
    store.emit(ready, "transcript", {"speaker": "caller", "text": "Hello", "final": True})
    store.emit(ready, "agent_state", {"state": "thinking"})
    waiting = [actor.queued(user=f"user {n}") for n in range(3)]
    with watching(web.url) as operator:
        assert operator.last("rows")
        eventually(lambda: set(operator.rows) == {ready, *waiting})
        told = [name for name, _ in operator.messages]
        assert told.index("hello") < told.index("rows")
        hello = operator.last("hello")
        assert hello["mode"] == "development"
        assert abs(hello["now"] - store.now()) < 60_000
        row = operator.rows[ready]
        assert (row["user"], row["channel"], row["state"]) == ("Grace", "voice", "ready")
        assert (row["voice"], row["worker"], row["generation"]) == ("Ashley", "sessions@test", 1)
        assert row["lastWords"] == {"speaker": "caller", "text": "Hello", "final": True}
        assert row["agentState"] == "thinking"
        assert row["acceptedAt"] <= row["readyAt"]
        assert (row["position"], row["recoveringSince"], row["cause"]) == (None, None, None)


def test_rows_when_a_call_goes_its_way_then_follow_it(
    web: Web, operator: Operator, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.queued()
    operator.row(session_id, state="queued", worker=None)
    actor.claim(session_id)
    operator.row(session_id, state="starting", worker="sessions@test")
    store.ready(session_id, 1)
    operator.row(session_id, state="ready", agentState=None)
    store.emit(session_id, "agent_state", {"state": "listening"})
    operator.row(session_id, agentState="listening")
    for text, final in (("How", False), ("How long", False), ("How long?", True)):
        store.emit(session_id, "transcript", {"speaker": "caller", "text": text, "final": final})
    words = {"speaker": "caller", "text": "How long?", "final": True}
    operator.row(session_id, lastWords=words)
    store.recover(session_id, "agent_died", unless_leased=False)
    row = operator.row(session_id, state="recovering", recoveries=1, generation=2)
    assert (row["cause"], row["agentState"], row["lastWords"]) == ("agent_died", None, words)
    assert row["recoveringSince"] >= row["readyAt"]
    web.end_session(store, session_id)
    ended = operator.until("ended", lambda one: one["sessions"][0]["id"] == session_id)
    [end] = ended["sessions"]
    assert (end["user"], end["reason"], end["fault"]) == ("Ada", "ended_by_api", "user")
    assert end["durationMs"] == end["endedAt"] - end["acceptedAt"] >= 0
    assert operator.until("gone", lambda one: session_id in one["ids"])
    assert session_id not in operator.rows
    assert operator.ids == list(range(1, len(operator.ids) + 1))


def test_words_when_they_are_odd_then_the_stream_holds(
    operator: Operator, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.text(user="Zoë </script>\u2028")
    store.emit(session_id, "agent_response", {"response": "A\nB \ud83d" + "x" * 300})
    row = operator.row(session_id, state="ready")
    text = eventually(lambda: operator.rows[session_id]["lastWords"])["text"]
    assert (row["user"], text) == ("Zoë </script>\u2028", "x" * 200)
    store.emit(session_id, "transcript", {"speaker": "caller", "text": "half \ud83d\n\nid: 9"})
    words = eventually(lambda: operator.rows[session_id]["lastWords"]["speaker"] == "caller")
    assert words
    assert operator.rows[session_id]["lastWords"]["text"] == "half ?\n\nid: 9"
    store.emit(session_id, "transcript", {"speaker": "nobody", "text": None})
    store.emit(session_id, "transcript", {"speaker": "caller", "text": "Still here"})
    eventually(lambda: operator.rows[session_id]["lastWords"]["text"] == "Still here")


def test_house_when_workers_and_queue_change_then_tells(
    web: Web, operator: Operator, actor: Actor, store: SessionStore
) -> None:
    first = actor.queued()
    house = operator.until("house", lambda one: one["queue"]["length"] == 1)
    assert (house["states"]["queued"], house["live"], house["slots"]) == (1, 1, 3)
    assert house["queue"]["oldestSince"] <= store.now()
    assert house["queue"]["estimatedWaitMs"] == 0
    [worker] = house["workers"]
    assert (worker["name"], worker["silentMs"], worker["draining"]) == ("sessions@test", 0, False)
    now = store.now()
    leaving = WorkerRecord(
        "sessions@test", "test", 1, "boot", "0", 3, 3, now - 5100, True, now, "x"
    )
    Fleet(store.redis, web.settings).report(leaving)
    store.tell_place(first, 0, 1000)
    operator.row(first, position=1)
    house = operator.until("house", lambda one: any(w["draining"] for w in one["workers"]))
    [worker] = house["workers"]
    assert (worker["silentMs"], worker["waitsFor"], worker["drainEndsAt"]) == (5000, "x", now)
    assert (house["slots"], house["busy"], house["ready"]) == (0, 0, False)
    assert not {check["name"]: check["ok"] for check in house["checks"]}["beat"]
    assert house["upkeep"] == {"beatUp": False, "overdueMs": 0, "reapedMs": None}


def test_house_when_upkeep_is_late_then_says_so(
    operator: Operator, redis: Redis, store: SessionStore
) -> None:
    redis.zadd(keys.DEADLINES, {"session_of_nobody": store.now() - 21_000})
    redis.set(keys.REAPED, store.now() - 31_000)
    redis.set(keys.BEAT_LOCK, "x", px=60_000)
    house = operator.until("house", lambda one: one["upkeep"]["overdueMs"] >= 20_000)
    assert house["upkeep"]["beatUp"]
    assert house["upkeep"]["reapedMs"] >= 30_000


def test_stream_when_it_is_opened_then_no_proxy_or_cache_holds_it_up(
    web: Web, redis: Redis
) -> None:
    with httpx.stream("GET", f"{web.url}{EVENTS}") as response:
        headers = response.headers
        assert headers["Content-Type"].startswith("text/event-stream")
        assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-store", "no")
        assert next(response.iter_lines()) == "retry: 2000"


def test_stream_when_it_lasts_then_holds_nothing_that_only_some_may_know(
    web: Web, operator: Operator, alive_worker: WorkerRecord, redis: Redis, store: SessionStore
) -> None:
    lines = {"systemPrompt": "The vault opens at nine.", "openingLine": "Welcome to the vault."}
    body = {"userName": "Ada", "metadata": {"pin": "4711-vault"}, **lines}
    answer = loopback.post(f"{web.url}{START}", json=body).json()
    operator.row(answer["sessionId"], state="queued")
    store.begin_ending(answer["sessionId"], Reason.ENDED_BY_API)
    operator.row(answer["sessionId"], state="ending")
    told = "\n".join(operator.written)
    assert answer["sessionId"] in told
    assert "vault" not in told
    assert answer["token"] not in told


def test_watchers_when_they_come_and_go_then_redis_is_listened_to_once_or_not_at_all(
    serve_web: ServeWeb, own_redis: OwnRedis
) -> None:
    with own_redis.up(), serve_web(redis_url=own_redis.url, dashboard_streams=2) as web:
        redis, actor = _actor(web.settings)
        with watching(web.url) as one, watching(web.url) as two:
            session_id = actor.text()
            assert one.row(session_id) == two.row(session_id)
            assert redis.pubsub_numpat() == 1
            refused = loopback.get(f"{web.url}{EVENTS}")
            assert (refused.status_code, refused.json()["code"]) == (503, "too_many_watchers")
            assert int(refused.headers["Retry-After"]) > 0
        eventually(lambda: redis.pubsub_numpat() == 0, within=30)
        with watching(web.url) as again:
            assert set(again.rows) == {session_id}
            web.child.process.terminate()
            eventually(lambda: again.is_over, within=30)
            # It was told so, not cut off by a process that had waited for it in vain.
            assert again.failure is None
        redis.close()


def test_redis_when_it_goes_and_comes_back_then_the_stream_says_so_and_has_a_new_picture(
    serve_web: ServeWeb, own_redis: OwnRedis
) -> None:
    with serve_web(redis_url=own_redis.url, redis_timeout_seconds=0.5) as web:
        redis, actor = _actor(web.settings)
        with own_redis.up():
            first = actor.text(user="before")
            watched = watching(web.url)
            operator = watched.__enter__()
            operator.last("house")
            operator.row(first, user="before")
        trouble = operator.last("trouble")
        assert (trouble["what"], bool(trouble["detail"])) == ("redis", True)
        assert set(operator.rows) == {first}
        operator.until("house", lambda one: not one["checks"][0]["ok"])
        with own_redis.up():
            second = actor.text(user="after")
            eventually(lambda: len(operator.all("hello")) >= 2)
            operator.row(second, user="after")
            operator.row(first, user="before")
        watched.__exit__(None, None, None)
        redis.close()


def test_database_when_it_is_away_then_rows_go_on_and_ends_are_told_later(
    web: Web, operator: Operator, actor: Actor, store: SessionStore, directory: Directory
) -> None:
    ending, other = actor.ready(user="Grace"), actor.ready()
    store.begin_ending(ending, Reason.USER_LEFT)
    operator.row(ending, state="ending")
    engine = open_database(web.settings.database_url)
    Archive(engine).save(archived(id=ending, user_name="Grace"))
    with _without_archive(engine):
        session = directory.load(ending)
        assert session is not None
        store.finish(session)
        operator.until("gone", lambda one: one["ids"] == [ending])
        store.emit(other, "agent_state", {"state": "speaking"})
        operator.row(other, agentState="speaking")
        assert operator.last("trouble")["what"] == "database"
    operator.until("trouble", lambda one: one == {"what": "database", "detail": ""})
    assert operator.until("ended", lambda one: one["sessions"][0]["id"] == ending)
    engine.dispose()


@contextmanager
def _without_archive(engine: Engine) -> Iterator[None]:
    def rename(old: str, new: str) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")

    rename("archived_sessions", "elsewhere")
    try:
        yield
    finally:
        rename("elsewhere", "archived_sessions")


def _actor(settings: Settings) -> tuple[Redis, Actor]:
    redis = connect(settings)
    return redis, Actor(SessionStore(redis, settings))
