"""The dashboard of one web process, looked at from inside: who is slow, who must go, who works."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from redis import Redis

from orchestrator.access.auth import recheck
from orchestrator.app import create_app
from orchestrator.dashboard import board as boards
from orchestrator.dashboard import reader as readers
from orchestrator.dashboard import watching as watchings
from orchestrator.dashboard.board import Board
from orchestrator.dashboard.frames import HEARTBEAT
from orchestrator.dashboard.messages import Hello, Trouble
from orchestrator.dashboard.seat import Seat
from orchestrator.dashboard.watching import watching_of
from orchestrator.services import services_of
from sessions import keys
from sessions.apikeys import ApiKeys
from sessions.database import open_database
from sessions.figures import Figures
from sessions.samples import STRETCH_MS, Samples
from sessions.settings import Settings
from sessions.store import SessionStore
from tests.fixtures.http import MakeKey, archive_of
from tests.support.eventually import eventually
from tests.support.http import archived, bearer
from tests.support.operator import Operator, lines_of
from tests.support.sessions import Actor

HELLO = Hello(now=1, mode="development", version="0", live=0)

Watch = Callable[..., Operator]


@pytest.fixture
def watch(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """A function that opens the stream of ``app`` without a server."""
    monkeypatch.setattr(watchings, "_LINGER_SECONDS", 0.0)
    monkeypatch.setattr(watchings, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(readers, "_IDLE_SECONDS", 0.1)
    app.extensions[watchings.EXTENSION] = watchings.Watching(services_of(app))
    watching = watching_of(app)
    seats: list[Seat] = []

    def open_one(may_stay: Callable[[], bool] = lambda: True) -> Operator:
        seats.append(watching.admit(None))
        told = watching.stream(seats[-1], may_stay)
        return Operator(lines_of(part.decode() for part in told))

    yield open_one
    for seat in seats:
        watching.leave(seat)
        seat.close()
    eventually(lambda: not [t for t in threading.enumerate() if t.name.startswith("dashboard")])


def board_of(*ids: str) -> Board:
    """Return a board that shows these sessions."""
    board = Board(0)
    board.show(HELLO, dict.fromkeys(ids, b"{}"))
    return board


def told(board: Board, seat: Seat) -> list[bytes]:
    """Return what a watcher is told now."""
    return list(board.take(seat))


def test_watcher_when_it_reads_nothing_then_no_more_waits_than_there_are_sessions() -> None:
    board, seat = board_of("a", "b"), Seat()
    board.sit(seat)
    told(board, seat)
    for n in range(1000):
        board.change({"a": b"%d" % n, f"new {n}": b"{}"}, [f"new {n - 1}"])
        board.put("trouble redis", Trouble(what="redis", detail=str(n)))
        board.end({f"{n}": b"{}"})
    assert set(seat.changed) == {"a", "new 999"}
    assert (len(seat.stills), len(seat.ended), seat.gone) == (1, 50, set())
    board.change({}, ["b"])
    trouble, ended, gone, rows = told(board, seat)
    assert b'"detail":"999"' in trouble
    assert ended.count(b"{}") == 50
    assert b'"ids":["b"]' in gone
    assert b'"rows":[999,{}],"complete":true' in rows
    assert told(board, seat) == []


def test_picture_when_it_has_been_there_for_long_then_is_of_now_for_who_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    board, seat = board_of("a"), Seat()
    board.change({"b": b"{}"}, [])
    shown = time.monotonic()
    monkeypatch.setattr(boards.time, "monotonic", lambda: shown + 3600)
    board.sit(seat)
    hello, *_ = told(board, seat)
    message = Hello.model_validate_json(hello.partition(b"data: ")[2])
    assert message.live == 2
    assert 3_600_000 <= message.now - HELLO.now < 3_660_000


def test_row_when_it_is_as_before_then_nobody_is_told() -> None:
    board, seat = board_of("a"), Seat()
    board.sit(seat)
    told(board, seat)
    board.change({"a": b"{}"}, ["unknown"])
    board.put("trouble redis", Trouble(what="redis", detail="x"))
    told(board, seat)
    board.put("trouble redis", Trouble(what="redis", detail="x"))
    assert told(board, seat) == []


def test_picture_when_it_is_large_then_comes_in_parts() -> None:
    board, seat = board_of(*(f"{n}" for n in range(450))), Seat()
    board.sit(seat)
    hello, *parts = told(board, seat)
    assert b"event: hello" in hello
    assert [part.count(b"{}") for part in parts] == [200, 200, 50]
    assert [b'"complete":true' in part for part in parts] == [False, False, True]


def test_watcher_when_it_takes_nothing_for_long_then_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(boards, "SLOW_SECONDS", 0.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        board, slow, fast = board_of(), Seat(ours), Seat()
        board.sit(slow)
        board.sit(fast)
        sending = threading.Thread(target=_send, args=(ours, slow))
        sending.start()
        eventually(lambda: slow.is_slower_than(0.2))
        assert board.cut_slow() == 1
        sending.join(timeout=10)
        assert not sending.is_alive()
        assert (slow.closed, fast.closed) == (True, False)


def _send(sock: socket.socket, seat: Seat) -> None:
    seat.begin_sending()
    try:
        sock.sendall(b"x" * 50_000_000)
    except OSError:
        return
    seat.end_sending()


def test_watcher_when_nothing_happens_then_hears_that_the_line_works(
    watch: Watch, redis: Redis
) -> None:
    operator = watch()
    eventually(lambda: operator.written.count(": still here") >= 3)
    assert not operator.is_over


def test_watcher_when_not_even_that_is_taken_then_is_slow(watch: Watch, app: Flask) -> None:
    watching = watching_of(app)
    seat = watching.admit(None)
    for written in watching.stream(seat, lambda: True):
        if written == HEARTBEAT:
            break  # So long as nobody asks for more, it is being sent.
    eventually(lambda: seat.is_slower_than(0))
    watching.leave(seat)


def test_watcher_when_its_key_is_revoked_then_the_stream_ends(
    watch: Watch, redis: Redis, actor: Actor
) -> None:
    allowed = [True]
    operator = watch(lambda: allowed[0])
    operator.row(actor.ready(), state="ready")
    allowed[0] = False
    eventually(lambda: operator.is_over)


def test_key_when_asked_again_then_only_an_admins_that_is_not_revoked_may_stay(
    production: Settings, redis: Redis, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.access.keyring.REMEMBER_SECONDS", 0)
    boss, plain = make_key("boss", admin=True), make_key("plain")
    app = create_app(production)
    apikeys = ApiKeys(open_database(production.database_url))

    def may_stay(secret: str) -> Callable[[], bool]:
        with app.test_request_context("/dashboard/events", headers=bearer(secret)) as context:
            return recheck(context.request)

    ask = may_stay(boss)
    assert (ask(), may_stay(plain)()) == (True, False)
    for key in apikeys.list():
        apikeys.revoke(key.id)
    assert not ask()


def test_session_when_it_goes_without_a_word_then_its_row_goes_too(
    watch: Watch, redis: Redis, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_COMPARE_SECONDS", 0.1)
    operator, session_id = watch(), actor.ready()
    operator.row(session_id, state="ready")
    redis.delete(f"session:{session_id}")
    redis.zrem(keys.LIVE, session_id)
    operator.until("gone", lambda one: one["ids"] == [session_id])
    redis.hset(f"session:{session_id}", mapping={"id": session_id, "state": "nonsense"})
    redis.zadd(keys.LIVE, {session_id: 1})
    other = actor.ready()
    assert set(eventually(lambda: operator.row(other) and operator.rows)) == {other}


def test_log_when_it_grows_faster_than_it_is_read_then_the_last_word_is_shown(
    watch: Watch, redis: Redis, actor: Actor, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.dashboard.rows.EVENTS_AT_ONCE", 3)
    operator, session_id = watch(), actor.ready()
    operator.row(session_id, state="ready")
    for n in range(40):
        store.emit(session_id, "transcript", {"speaker": "agent", "text": f"word {n}"})
    operator.row(session_id, lastWords={"speaker": "agent", "text": "word 39", "final": True})


def test_key_when_it_is_made_while_somebody_watches_then_its_name_comes(
    watch: Watch, redis: Redis, actor: Actor, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.dashboard.names._UNKNOWN_AGAIN_SECONDS", 0.1)
    operator = watch()
    key, _ = ApiKeys(open_database(settings.database_url)).create("Front desk")
    session_id = actor.ready(scope=key.id)
    operator.row(session_id, scope=key.id, key="Front desk")


def test_day_when_looked_back_on_then_counts_ends_and_times_and_shows_the_last(
    app: Flask, watch: Watch, redis: Redis, store: SessionStore
) -> None:
    archive, now = archive_of(app), store.now()
    for n in range(60):
        archive.save(archived(accepted_at=now - 60_000 + n * 10, user_name=f"user {n}"))
    archive.save(archived(accepted_at=now - 7_200_000, reason="agent_error", fault="platform"))
    archive.save(archived(accepted_at=now - 90_000_000))
    figures, samples = Figures(redis), Samples(redis)
    for ms, ago in ((9000, 3), (400, 2)):
        figures.observe("turn", ms)
        samples.take(now - ago * STRETCH_MS)
    figures.observe("span:accepted_ready", 40)
    operator = watch()
    charts, house = operator.last("charts"), operator.last("house")
    assert len(charts["hours"]) == 24
    assert sum(hour["ended"] for hour in charts["hours"]) == 61
    assert sum(hour["faults"].get("platform", 0) for hour in charts["hours"]) == 1
    assert charts["ends"] == [
        {"reason": "user_left", "fault": "user", "count": 60},
        {"reason": "agent_error", "fault": "platform", "count": 1},
    ]
    assert [(one["start"]["count"], one["turn"]["p50Ms"]) for one in charts["latencies"]] == [
        *((0, 400), (1, None)),
    ]
    assert house["start"] == {"count": 1, "p50Ms": 38, "p95Ms": 49}
    assert house["turn"]["count"] == 0
    last = operator.last("ended")["sessions"]
    assert [one["user"] for one in last] == [f"user {n}" for n in range(59, 9, -1)]


def test_reader_when_the_line_is_dead_then_begins_anew(
    watch: Watch, redis: Redis, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = watch()
    operator.until("rows", lambda one: one["complete"])
    for client in redis.client_list("pubsub"):
        if client["psub"] == "1":
            redis.client_kill_filter(_id=client["id"])
    eventually(lambda: len(operator.all("hello")) == 2)
    operator.row(actor.ready(), state="ready")
