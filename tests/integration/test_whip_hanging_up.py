"""A caller by WHIP who hangs up before there is an answer leaves no session behind."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from sessions.directory import Directory
from sessions.keys import offers_joining
from sessions.states import Reason, State
from sessions.store import SessionStore
from tests.fixtures.web import ServeWeb, Web
from tests.support.eventually import eventually
from tests.support.media_server import FakeMediaServer, media_server
from tests.support.offers import OFFER, SDP
from tests.support.ready_agents import ready_agents
from tests.support.sessions import Actor


@pytest.fixture(scope="module")
def served(serve_web: ServeWeb) -> Iterator[tuple[Web, FakeMediaServer]]:
    """A real server whose callers wait for long, and its media server."""
    with media_server() as media, serve_web(livekit_url=media.url) as web:
        yield web, media


def post(web: Web, *headers: str) -> socket.socket:
    """Post an offer, and return the connection without waiting for the answer."""
    connection = socket.create_connection(("127.0.0.1", web.settings.port), timeout=30)
    head = ["POST /whip HTTP/1.1", "Host: localhost", f"Content-Type: {SDP}", *headers]
    length = f"Content-Length: {len(OFFER.encode())}"
    connection.sendall("\r\n".join((*head, length, "", OFFER)).encode())
    return connection


@pytest.mark.parametrize("moment", ["in the queue", "before the agent is ready", "at the answer"])
def test_caller_when_they_hang_up_while_they_wait_then_the_session_ends(
    served: tuple[Web, FakeMediaServer],
    store: SessionStore,
    directory: Directory,
    actor: Actor,
    moment: str,
) -> None:
    web, media = served
    before = len(media.asked)
    connection = post(web)

    def hang_up(asked: Any) -> Any:
        connection.close()
        return media.obey(asked)

    media.answer = hang_up
    ready = moment == "at the answer"
    agents = nullcontext() if moment == "in the queue" else ready_agents(store, ready=ready)
    with agents:
        [session_id] = eventually(lambda: directory.newest(None, None, 10))
        if moment == "before the agent is ready":
            eventually(lambda: _state(directory, session_id) is State.STARTING)
        if not ready:
            connection.close()
        eventually(lambda: _state(directory, session_id) is State.ENDING)
    session = directory.load(session_id)
    assert session is not None
    assert session.reason == Reason.USER_LEFT
    assert len(media.asked) - before == ready


def test_caller_when_another_offers_for_the_same_session_and_hangs_up_then_their_call_goes_on(
    served: tuple[Web, FakeMediaServer], store: SessionStore, directory: Directory, actor: Actor
) -> None:
    web, media = served
    media.answer = media.obey
    session_id = actor.starting(scope="development", aliases=["temp-1"])
    post(web, "X-Session-ID: temp-1").close()
    with post(web, "X-Session-ID: temp-1") as connection:
        channel = f"session:{session_id}:events"
        eventually(lambda: dict(store.redis.pubsub_numsub(channel)).get(channel) == 1)
        store.ready(session_id, 1)
        assert connection.recv(1024).startswith(b"HTTP/1.1 201")
    assert _state(directory, session_id) is State.READY


def test_caller_when_they_hang_up_and_offer_again_at_once_then_the_second_offer_is_answered(
    served: tuple[Web, FakeMediaServer], store: SessionStore, directory: Directory, actor: Actor
) -> None:
    web, media = served
    media.answer = media.obey
    first = post(web, "X-Session-ID: temp-2")
    with ready_agents(store, ready=False):
        [session_id] = eventually(lambda: directory.newest(None, None, 10))
        eventually(lambda: _state(directory, session_id) is State.STARTING)
    with post(web, "X-Session-ID: temp-2") as second:
        channel = f"session:{session_id}:events"
        eventually(lambda: dict(store.redis.pubsub_numsub(channel)).get(channel) == 2)
        first.close()
        eventually(lambda: dict(store.redis.pubsub_numsub(channel)).get(channel) == 1)
        store.ready(session_id, 1)
        assert second.recv(1024).startswith(b"HTTP/1.1 201")
    assert _state(directory, session_id) is State.READY
    eventually(lambda: not store.redis.exists(offers_joining(session_id)))


def _state(directory: Directory, session_id: str) -> State | None:
    session = directory.load(session_id)
    return session.state if session else None
