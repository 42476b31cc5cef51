"""A web process, a beat or an upkeep worker is killed: others go on, and nothing is done twice."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import websocket
from celery import Celery
from redis import Redis

from sessions import keys
from sessions.archive import Archive
from sessions.connections import connect
from sessions.database import open_database
from sessions.events import EventLog
from sessions.settings import Settings
from sessions.states import Reason
from sessions.store import SessionStore
from tests.fixtures.redis import MakeSettings, RedisServer
from tests.fixtures.web import ServeWeb, Web
from tests.support.eventually import eventually
from tests.support.processes import Child, start
from tests.support.sessions import Actor
from tests.support.settings import environment_of
from tests.support.sockets import Client, ClosedError
from workers.app import FINISH_SESSION

_EVENTS = 200
_FOLLOWERS = 6


@dataclass
class Follower:
    """A client that comes back whenever its socket is lost, with what it has seen last."""

    url: str
    texts: list[str] = field(default_factory=list[str])
    sockets: int = 0
    _last: str = "0-0"

    def follow(self) -> None:
        """See all texts there will be."""
        while len(self.texts) < _EVENTS:
            with contextlib.suppress(ClosedError, OSError, websocket.WebSocketException):
                self._hold()

    def _hold(self) -> None:
        client = Client(f"{self.url}?since={self._last}")
        self.sockets += 1
        try:
            while len(self.texts) < _EVENTS:
                event = client.receive()
                if event["type"] == "transcript":
                    self._last = event["id"]
                    self.texts.append(event["data"]["text"])
        finally:
            client.cut()


def test_sockets_when_their_web_process_is_killed_then_go_on_at_another_without_gap_or_double(
    serve_web: ServeWeb, actor: Actor, store: SessionStore
) -> None:
    with serve_web(web_workers=2) as web, ThreadPoolExecutor(_FOLLOWERS) as pool:
        eventually(lambda: len(web.worker_pids()) == 2, 30, "two processes serve")
        session_id = actor.text()
        followers = [Follower(f"{web.ws_url}/{session_id}") for _ in range(_FOLLOWERS)]
        following = [pool.submit(one.follow) for one in followers]
        eventually(lambda: all(one.sockets for one in followers), 30, "all follow")
        for number in range(_EVENTS):
            store.emit(session_id, "transcript", {"text": str(number)})
            if number == _EVENTS // 2:
                _kill_the_busiest(web)
        for one in following:
            one.result(60)
    for one in followers:
        assert one.texts == [str(number) for number in range(_EVENTS)]
    assert any(one.sockets > 1 for one in followers)


def _kill_the_busiest(web: Web) -> None:
    def sockets(process: psutil.Process) -> int:
        return sum(s.laddr.port == web.settings.port for s in process.net_connections("tcp"))

    max(map(psutil.Process, web.worker_pids()), key=sockets).kill()


@pytest.fixture
def upkeep_settings(redis_server: RedisServer, make_settings: MakeSettings) -> Settings:
    """Settings with a database of Redis of their own, and so with queues of their own."""
    return make_settings(redis_url=redis_server.database(5), house="restarts")


@pytest.fixture
def upkeep_redis(upkeep_settings: Settings) -> Iterator[Redis]:
    """A client of that."""
    client = connect(upkeep_settings)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@contextlib.contextmanager
def celery(settings: Settings, name: str, log: Path, *command: str) -> Iterator[Child]:
    """Run one of Celery's processes for the length of a block."""
    child = start(
        name, ["celery", "-A", "workers.app", *command], log, environment=environment_of(settings)
    )
    try:
        yield child
    finally:
        child.stop()


def test_beats_when_two_run_and_the_one_that_ticks_is_killed_then_the_other_goes_on(
    upkeep_settings: Settings, upkeep_redis: Redis, tmp_path: Path
) -> None:
    with celery(upkeep_settings, "one", tmp_path / "one.log", "beat") as one:
        eventually(lambda: upkeep_redis.llen("upkeep"), 30, "the first beat sends jobs")
        with celery(upkeep_settings, "two", tmp_path / "two.log", "beat") as two:
            asking = psutil.Process(two.pid)
            eventually(asking.net_connections, 40, "the second asks Redis for the lock")
            upkeep_redis.delete("upkeep")
            one.process.kill()
            killed = time.monotonic()
            # What was sent before the kill is not meant.
            one.process.wait()
            upkeep_redis.delete("upkeep")
            eventually(lambda: upkeep_redis.llen("upkeep"), 30, "the second beat sends jobs")
            # Until then nobody takes over a call whose host has gone.
            assert time.monotonic() - killed < 15
            assert two.running


def test_upkeep_when_killed_in_the_middle_of_finishing_then_another_finishes_once(
    upkeep_settings: Settings, upkeep_redis: Redis, tmp_path: Path
) -> None:
    store = SessionStore(upkeep_redis, upkeep_settings)
    session_id = Actor(store).text()
    store.begin_ending(session_id, Reason.ENDED_BY_API)
    command = ("worker", "-Q", "upkeep", "-P", "threads", "-c", "2", "-n")
    database = sqlite3.connect(upkeep_settings.database_url.removeprefix("sqlite:///"))
    database.execute("BEGIN EXCLUSIVE")
    with celery(upkeep_settings, "one", tmp_path / "one.log", *command, "upkeep@one") as one:
        eventually(lambda: "upkeep@one ready" in one.tail(), 40, "the first worker is ready")
        _ask_to_finish(upkeep_settings, session_id)
        eventually(lambda: not upkeep_redis.llen("upkeep"), 10, "the first worker takes the job")
        one.process.kill()
        one.process.wait()
    database.rollback()
    database.close()
    archive = Archive(open_database(upkeep_settings.database_url))
    assert archive.load(session_id) is None
    with celery(upkeep_settings, "two", tmp_path / "two.log", *command, "upkeep@two"):
        # Twice, as a reaper may that comes while the first finish is under way.
        _ask_to_finish(upkeep_settings, session_id)
        _ask_to_finish(upkeep_settings, session_id)
        eventually(lambda: not upkeep_redis.exists(f"session:{session_id}"), 40, "it has ended")
        eventually(lambda: not upkeep_redis.llen("upkeep"), 10, "both jobs are done")
    archived = archive.load(session_id)
    assert archived is not None
    assert archived.reason == Reason.ENDED_BY_API
    log = EventLog(upkeep_redis).read(session_id)
    assert [event.type for event in log].count("session_ended") == 1
    assert upkeep_redis.zscore(keys.LIVE, session_id) is None


def _ask_to_finish(settings: Settings, session_id: str) -> None:
    with Celery(broker=settings.redis_url) as app:
        app.send_task(FINISH_SESSION, args=[session_id], queue="upkeep")
