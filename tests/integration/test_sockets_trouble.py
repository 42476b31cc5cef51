"""Slow clients, lost connections and restarts: what a socket survives, and what it is told."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
import websocket

from sessions.events import EventLog
from sessions.store import SessionStore
from tests.fixtures.web import ServeWeb, Web
from tests.support.eventually import eventually
from tests.support.sessions import Actor
from tests.support.sockets import Client, follow

TINY_BUFFER = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)]


@contextmanager
def follow_slowly(web: Web, session_id: str) -> Iterator[Client]:
    """Follow a session with hardly any room for what is not read yet."""
    client = Client(f"{web.ws_url}/{session_id}", sockopt=TINY_BUFFER)
    try:
        client.until("session_state")
        yield client
    finally:
        client.cut()


def test_a_burst_reaches_a_slow_client_in_one_piece(
    web: Web, actor: Actor, store: SessionStore, event_log: EventLog
) -> None:
    session_id = actor.text()
    chance = random.Random(1)
    with follow_slowly(web, session_id) as slow:
        for n in range(20):
            text = chance.randbytes(chance.randrange(5_000, 15_000)).hex()
            store.emit(session_id, "transcript", {"n": n, "text": text})
        logged = [event.to_json() for event in event_log.read(session_id)]
        assert slow.take(20) == logged[1:]
        assert slow.ask({"type": "ping"}) == {"type": "pong"}


def test_a_replay_reaches_a_slow_client_in_one_piece(
    web: Web, actor: Actor, store: SessionStore, event_log: EventLog
) -> None:
    session_id = actor.text()
    for n in range(30):
        store.emit(session_id, "transcript", {"n": n, "text": "é" * 5_000})
    with follow_slowly(web, session_id) as slow:
        assert slow.take(30) == [event.to_json() for event in event_log.read(session_id)][1:]


def test_who_does_not_read_is_closed_and_hurts_nobody(
    serve_web: ServeWeb, actor: Actor, store: SessionStore, event_log: EventLog
) -> None:
    with serve_web(socket_queue=50) as web:
        session_id, other_id = actor.text(), actor.text(user="Bob")
        with (
            follow_slowly(web, session_id) as slow,
            follow(web.ws_url, session_id) as quick,
            follow(web.ws_url, other_id) as other,
        ):
            quick.until("session_state")
            other.until("session_state")
            for n in range(400):
                store.emit(session_id, "transcript", {"n": n, "text": "x" * 5_000})
                sent = time.monotonic()
                store.emit(other_id, "transcript", {"n": n})
                assert other.receive()["data"]["n"] == quick.receive()["data"]["n"] == n
                assert time.monotonic() - sent < 5

            heard, code = slow.until_closed()
        assert code == 1013
        with follow(web.ws_url, session_id, since=heard[-1]["id"]) as resumed:
            resumed.confirmed()
            missed = resumed.take(400 - len(heard))
        logged = [event.to_json() for event in event_log.read(session_id)]
        assert heard + missed == logged[1:]


def test_a_client_that_floods_and_does_not_read_is_not_read_from(
    serve_web: ServeWeb, actor: Actor
) -> None:
    """Answers that nobody takes must not pile up in the web process."""
    with (
        serve_web(socket_messages_per_minute=0) as web,
        follow_slowly(web, actor.text()) as client,
    ):
        worker = psutil.Process(web.worker_pids().pop())
        before = worker.memory_info().rss
        client.ws.settimeout(1)
        assert any(not _takes(client) for _ in range(10_000))
        assert worker.memory_info().rss - before < 20_000_000


def _takes(client: Client) -> bool:
    try:
        client.say({"type": "ping", "id": "x" * 10_000})
    except websocket.WebSocketTimeoutException:
        return False
    return True


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_restart_closes_sockets_at_once_and_they_resume(
    serve_web: ServeWeb, actor: Actor, store: SessionStore, signum: signal.Signals
) -> None:
    with serve_web() as web:
        (worker,) = web.worker_pids()
        session_id = actor.text()
        store.emit(session_id, "transcript", {"text": "x" * 1_000_000})
        with (
            follow_slowly(web, session_id),
            follow(web.ws_url, session_id) as client,
            follow(web.ws_url, actor.text()) as other,
        ):
            for usual in (client, other):
                usual.until("session_state")
            last = client.receive()["id"]
            started = time.monotonic()
            os.kill(web.pid, signum)
            assert client.until_closed() == ([], 1012)
            assert other.until_closed() == ([], 1012)
            assert time.monotonic() - started < 10
            # One that takes nothing does not hold the restart up either.
            eventually(lambda: not psutil.pid_exists(worker), within=15)
        if signum == signal.SIGHUP:
            store.emit(session_id, "transcript", {"text": "later"})
            with follow(web.ws_url, session_id, since=last) as client:
                client.confirmed()
                assert client.receive()["data"]["text"] == "later"
        else:
            assert web.child.process.wait(10) == 0
        assert "Traceback" not in web.child.tail()


def test_a_client_that_vanishes_leaves_nothing(web: Web, actor: Actor) -> None:
    worker = psutil.Process(web.worker_pids().pop())
    session_id = actor.text()
    with follow(web.ws_url, session_id) as client:
        client.confirmed()

    def open_sockets() -> int:
        return sum(
            connection.status == psutil.CONN_ESTABLISHED and connection.laddr.port == web_port
            for connection in worker.net_connections("tcp")
        )

    web_port = web.settings.port
    eventually(lambda: open_sockets() == 0)
    for _ in range(40):
        with follow(web.ws_url, session_id) as client:
            client.ws.send_close(1000)
            client.until_closed()
    eventually(lambda: open_sockets() == 0)
    assert "Traceback" not in web.child.log.read_text()
