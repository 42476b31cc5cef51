"""A socket says whose it is, replays what has happened, and goes on live."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from sessions.events import EventLog
from sessions.store import SessionStore
from tests.fixtures.web import ServeWeb, Web
from tests.support.sessions import Actor
from tests.support.sockets import ClosedError, follow


def numbers(messages: list[dict[str, Any]]) -> list[int]:
    return [message["data"]["n"] for message in messages if message["type"] == "transcript"]


def say(store: SessionStore, session_id: str, amount: range) -> None:
    for n in amount:
        store.emit(session_id, "transcript", {"n": n})


def test_confirms_then_replays_then_goes_live(
    web: Web, actor: Actor, store: SessionStore, event_log: EventLog
) -> None:
    session_id = actor.ready(aliases=["mine"])
    say(store, session_id, range(5))
    logged = [event.to_json() for event in event_log.read(session_id)]

    with follow(web.ws_url, session_id) as client:
        assert client.receive() == {
            "id": "0-0",
            "type": "session_confirmed",
            "data": {
                "session_id": session_id,
                "aliases": ["mine"],
                "state": "ready",
                "channel": "voice",
            },
        }
        assert client.take(len(logged)) == logged
        say(store, session_id, range(5, 300))
        assert numbers(client.take(295)) == list(range(5, 300))


def test_a_long_log_is_replayed_whole(web: Web, actor: Actor, store: SessionStore) -> None:
    session_id = actor.text()
    say(store, session_id, range(1000))
    with follow(web.ws_url, session_id) as client:
        client.until("session_state")
        assert numbers(client.take(1000)) == list(range(1000))


def test_since_leaves_out_what_was_seen(web: Web, actor: Actor, store: SessionStore) -> None:
    session_id = actor.text()
    ids = [store.emit(session_id, "transcript", {"n": n}) for n in range(10)]
    with follow(web.ws_url, session_id, since=ids[6]) as client:
        assert client.confirmed()["id"] == ids[6]
        assert numbers(client.take(3)) == [7, 8, 9]


def test_who_claims_to_have_seen_the_future_hears_what_is_new_and_disturbs_nobody(
    web: Web, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.text()
    with (
        follow(web.ws_url, session_id, since="999999999999999-0") as early,
        follow(web.ws_url, session_id) as usual,
    ):
        assert early.ask({"type": "ping"})["type"] == "session_confirmed"
        assert early.receive() == {"type": "pong"}
        usual.until("session_state")
        say(store, session_id, range(20))
        assert numbers(early.take(20)) == numbers(usual.take(20)) == list(range(20))


def test_two_sessions_never_see_each_others_events(
    serve_web: ServeWeb, actor: Actor, store: SessionStore
) -> None:
    one, other = actor.text(), actor.text(user="Bob")
    with (
        serve_web(socket_queue=500) as web,
        follow(web.ws_url, one) as first,
        follow(web.ws_url, other) as second,
    ):
        first.until("session_state")
        second.until("session_state")
        with ThreadPoolExecutor() as writers:
            list(writers.map(lambda id_: say(store, id_, range(400)), [one, other]))
        for session_id, client in ((one, first), (other, second)):
            heard = client.take(400)
            assert {message["data"]["session_id"] for message in heard} == {session_id}
            assert numbers(heard) == list(range(400))
            assert client.ask({"type": "ping"}) == {"type": "pong"}


def test_many_sockets_of_one_session_hear_the_same(
    web: Web, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.text()
    with ExitStack() as stack:
        clients = [stack.enter_context(follow(web.ws_url, session_id)) for _ in range(10)]
        for client in clients:
            client.until("session_state")
        say(store, session_id, range(100))
        for client in clients:
            assert numbers(client.take(100)) == list(range(100))


def test_the_end_closes_the_socket(web: Web, actor: Actor, store: SessionStore) -> None:
    session_id = actor.text()
    with follow(web.ws_url, session_id) as client:
        client.until("session_state")
        web.end_session(store, session_id)
        heard, code = client.until_closed()
    assert [message["type"] for message in heard[-2:]] == ["session_state", "session_ended"]
    assert code == 1000


def read_to_the_end(
    ws_url: list[str], session_id: str, chance: random.Random
) -> list[dict[str, Any]]:
    """Follow a session to its end through sockets that break at random."""
    heard: list[dict[str, Any]] = []
    since = "0-0"
    while not heard or heard[-1]["type"] != "session_ended":
        with follow(chance.choice(ws_url), session_id, since=since) as client:
            assert client.confirmed()["id"] == since
            try:
                for _ in range(chance.randrange(1, 60)):
                    heard.append(client.receive())
                    since = heard[-1]["id"]
            except ClosedError:
                pass
    return heard


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_socket_that_breaks_and_resumes_sees_every_event_once(
    web: Web, actor: Actor, store: SessionStore, event_log: EventLog, seed: int
) -> None:
    check_resumption(web, actor, store, event_log, [web.ws_url], seed)


def test_the_same_over_two_servers_with_two_processes(
    web: Web, serve_web: ServeWeb, actor: Actor, store: SessionStore, event_log: EventLog
) -> None:
    with serve_web(web_workers=2, database_url=web.settings.database_url) as second:
        check_resumption(web, actor, store, event_log, [web.ws_url, second.ws_url], seed=4)


def check_resumption(
    web: Web, actor: Actor, store: SessionStore, event_log: EventLog, ws_urls: list[str], seed: int
) -> None:
    session_id = actor.text()

    def write() -> None:
        say(store, session_id, range(1500))
        web.end_session(store, session_id)

    with ThreadPoolExecutor() as threads:
        writing = threads.submit(write)
        readers = [
            threads.submit(read_to_the_end, ws_urls, session_id, random.Random(f"{seed}-{n}"))
            for n in range(4)
        ]
        writing.result()
        logged = [event.to_json() for event in event_log.read(session_id)]
        for reader in readers:
            assert reader.result() == logged
