"""What a socket answers, and who is turned away before it is one."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from sessions.keys import SessionKeys
from sessions.store import SessionStore
from tests.fixtures.web import Web
from tests.support import loopback
from tests.support.eventually import eventually
from tests.support.sessions import Actor
from tests.support.sockets import follow, refusal


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ('{"type": "ping"}', {"type": "pong"}),
        ('{"type": "ping", "id": "a"}', {"type": "pong", "id": "a"}),
        ('{"type": "ping", "id": 7}', {"type": "pong", "id": 7}),
        ('{"type": "ping", "id": [1]}', "malformed_message"),
        ('{"type": "shout"}', "unknown_type"),
        ('{"type": 1}', "malformed_message"),
        ("[]", "malformed_message"),
        ("", "malformed_message"),
        ("{", "malformed_message"),
        ("[" * 16_000, "malformed_message"),
        ("\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "malformed_message"),
    ],
)
def test_answers_without_closing(
    web: Web, actor: Actor, message: str, answer: dict[str, object] | str
) -> None:
    with follow(web.ws_url, actor.text()) as client:
        client.until("session_state")
        client.ws.send(message)
        received = client.receive()
        if isinstance(answer, str):
            assert received["type"] == "error"
            assert received["data"]["code"] == answer
            assert received["data"]["message"].endswith(".")
        else:
            assert received == answer
        assert client.ask({"type": "ping"}) == {"type": "pong"}


@pytest.mark.parametrize("size", [64 * 1024 + 1, 1_000_000])
def test_a_message_that_is_too_long_closes(web: Web, actor: Actor, size: int) -> None:
    with follow(web.ws_url, actor.text()) as client:
        client.until("session_state")
        client.ws.send("x" * size)
        assert client.until_closed() == ([], 1009)


def test_answers_and_events_share_a_socket_in_one_piece(
    web: Web, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.text()
    with follow(web.ws_url, session_id) as client:
        client.until("session_state")
        for n in range(200):
            client.say({"type": "ping", "id": n})
            store.emit(session_id, "transcript", {"n": n})
        heard = client.take(400)
        pongs = [message["id"] for message in heard if message["type"] == "pong"]
        spoken = [message["data"]["n"] for message in heard if message["type"] == "transcript"]
        assert pongs == spoken == list(range(200))


def test_half_a_surrogate_pair_disturbs_nobody(web: Web, actor: Actor, store: SessionStore) -> None:
    session_id = actor.text()
    with follow(web.ws_url, session_id) as client:
        client.until("session_state")
        store.emit(session_id, "transcript", {"text": "\ud83d and é"})
        assert client.receive()["data"]["text"] == "\ud83d and é"


def test_an_alias_means_the_session(web: Web, actor: Actor, store: SessionStore) -> None:
    session_id = actor.text(scope="development", aliases=["browser-1"])
    with follow(web.ws_url, "browser-1") as client:
        data = client.confirmed()["data"]
        assert (data["session_id"], data["aliases"]) == (session_id, ["browser-1"])
        client.until("session_state")
        store.emit(session_id, "transcript", {})
        assert client.receive()["type"] == "transcript"


def test_an_ended_session_is_replayed_as_long_as_its_log_lingers(
    web: Web, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.text()
    last = store.emit(session_id, "transcript", {})
    web.end_session(store, session_id)
    with follow(web.ws_url, session_id, since=last) as client:
        assert client.confirmed()["data"]["state"] == "ended"
        heard, code = client.until_closed()
    assert (heard[-1]["type"], code) == ("session_ended", 1000)
    with follow(web.ws_url, session_id, since=heard[-1]["id"]) as client:
        client.confirmed()
        assert client.until_closed() == ([], 1000)

    store.redis.delete(SessionKeys.of(session_id).events)
    status, problem = refusal(web.ws_url, session_id)
    assert (status, problem["code"]) == (410, "session_over")


@pytest.mark.parametrize(
    ("reference", "query", "status", "code"),
    [
        ("session_1795255273296_b2cfcgu55927", {}, 404, "unknown_session"),
        ("what+is(this)", {}, 400, "invalid_session_id"),
        (None, {"since": "yesterday"}, 422, "invalid_request"),
        (None, {"since": "1-2-3"}, 422, "invalid_request"),
        (None, {"access_token": "nonsense"}, 401, "not_authenticated"),
    ],
)
def test_is_turned_away_in_plain_http(
    web: Web, actor: Actor, reference: str | None, query: dict[str, str], status: int, code: str
) -> None:
    answered, problem = refusal(web.ws_url, reference or actor.text(), **query)
    assert (answered, problem["code"]) == (status, code)


def test_what_is_no_handshake_is_a_bad_request(web: Web, actor: Actor) -> None:
    url = f"{web.url}/ws/{actor.text()}"
    assert loopback.get(url).status_code == 400
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert loopback.get(url, headers=upgrade).status_code == 400


def test_a_session_has_so_many_sockets_and_gets_places_back(web: Web, actor: Actor) -> None:
    session_id, limit = actor.text(), web.settings.sockets_per_session
    with ExitStack() as stack:
        clients = [stack.enter_context(follow(web.ws_url, session_id)) for _ in range(limit)]
        status, problem = refusal(web.ws_url, session_id)
        assert (status, problem["code"]) == (429, "limit_reached")
        with follow(web.ws_url, actor.text()) as other:
            other.confirmed()
        clients[0].cut()

        def a_place_is_free() -> bool:
            with follow(web.ws_url, session_id) as client:
                return client.receive()["type"] == "session_confirmed"

        eventually(lambda: _accepted(a_place_is_free))


def _accepted(attempt: object) -> bool:
    import websocket

    try:
        return attempt()  # pyright: ignore[reportCallIssue]
    except websocket.WebSocketBadStatusException:
        return False
