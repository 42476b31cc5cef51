"""Who does not belong here learns nothing, and who asks too much is told to wait."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from orchestrator.access.principal import Principal
from orchestrator.access.rates import Rates
from orchestrator.app import create_app
from orchestrator.health.readiness import check_house
from orchestrator.http.answers import ReadyAnswer
from orchestrator.services import Services
from sessions.errors import LimitReachedError
from sessions.ids import new_session_id
from sessions.settings import Settings
from tests.fixtures.http import MakeKey
from tests.fixtures.redis import MakeSettings
from tests.fixtures.web import ServeWeb
from tests.support.http import START, bearer, problem, start, started
from tests.support.sessions import Actor
from tests.support.sockets import follow

OPEN = {
    *("/health", "/ready", "/metrics"),
    *("/", "/console/door", "/console/<path:name>"),
    *("/dashboard", "/dashboard/static/<path:name>"),
}
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version": "13",
}
ABOUT_A_SESSION: list[tuple[str, str, dict[str, str] | None]] = [
    ("GET", "/orchestrator/session/{id}", None),
    ("GET", "/orchestrator/session/{id}/events", None),
    ("POST", "/orchestrator/session/end", {"sessionId": "{id}"}),
    ("POST", "/listening/start", {"session_id": "{id}"}),
    ("POST", "/listening/stop", {"session_id": "{id}"}),
    ("POST", "/chat", {"session_id": "{id}", "user_id": "ann", "message": "Hello?"}),
    ("GET", "/ws/{id}", None),
    ("GET", "/whip/{id}", None),
    ("DELETE", "/whip/{id}", None),
]


def _closed(client: FlaskClient) -> list[tuple[str, str]]:
    """Return every method and path of the front that is not open on purpose."""
    found: list[tuple[str, str]] = []
    rules: list[Rule] = list(client.application.url_map.iter_rules())
    for rule in rules:
        path = re.sub(r"<[^>]+>", new_session_id(), rule.rule)
        methods = (rule.methods or set()) - {"OPTIONS", "HEAD"}
        found += [(method, path) for method in methods if rule.rule not in OPEN]
    return sorted(found)


@pytest.mark.parametrize("header", [None, "Bearer sb_wrong", "Bearer a.b.c"])
def test_endpoint_when_asked_without_the_right_token_then_none_answers(
    guarded: FlaskClient, header: str | None
) -> None:
    closed = _closed(guarded)
    assert len(closed) >= 15
    for method, path in closed:
        headers = {**_handshake(path), **({"Authorization": header} if header else {})}
        json = {} if method == "POST" else None
        response = guarded.open(path, method=method, headers=headers, json=json)
        assert response.status_code == 401, f"{method} {path}: {response.text}"


def _handshake(path: str) -> dict[str, str]:
    return HANDSHAKE if path.startswith("/ws") else {}


def _shape(response: TestResponse, session_id: str) -> tuple[int, dict[str, Any], str]:
    """Return what a response gives away, whatever the id that was asked for."""
    headers = {k: v for k, v in response.headers.items() if k not in {"X-Correlation-ID", "Date"}}
    return response.status_code, headers, response.text.replace(session_id, "<id>")


@pytest.mark.parametrize(("method", "path", "body"), ABOUT_A_SESSION)
def test_session_when_it_is_anothers_then_it_looks_like_none(
    guarded: FlaskClient,
    make_key: MakeKey,
    method: str,
    path: str,
    body: dict[str, str] | None,
) -> None:
    theirs = started(guarded, bearer(make_key()), channel="text")
    mine = bearer(make_key("other"))

    def ask(session_id: str) -> tuple[int, dict[str, Any], str]:
        filled = {k: v.format(id=session_id) for k, v in body.items()} if body else None
        given: dict[str, Any] = {"json": filled} if filled else {}
        headers = {**mine, **_handshake(path)}
        response = guarded.open(path.format(id=session_id), method=method, headers=headers, **given)
        return _shape(response, session_id)

    assert ask(theirs) == ask(new_session_id())
    assert ask(theirs)[0] == 404


def test_alias_when_it_is_the_id_of_anothers_session_then_nothing_shows_that_there_is_one(
    guarded: FlaskClient, make_key: MakeKey
) -> None:
    theirs = started(guarded, bearer(make_key()), channel="text")
    mine = bearer(make_key("other"))
    answers = [
        start(guarded, mine, channel="text", correlationToken=name)
        for name in (theirs, new_session_id())
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].get_json()["sessionId"] != theirs


def test_ready_when_a_stranger_asks_then_no_address_is_named(
    guarded: FlaskClient, make_key: MakeKey
) -> None:
    strange = guarded.get("/ready").get_json()
    assert {check["detail"] for check in strange["checks"]} == {""}
    for secret in (make_key("plain"), "sb_wrong"):
        known = guarded.get("/ready", headers=bearer(secret)).get_json()
        assert {check["detail"] for check in known["checks"]} == {""}
    admin = guarded.get("/ready", headers=bearer(make_key("boss", admin=True))).get_json()
    assert all(check["detail"] for check in admin["checks"])


def test_ready_when_many_strangers_ask_at_once_then_the_parts_are_asked_once(
    guarded: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def check_slowly(house: Services) -> ReadyAnswer:
        asked.append(time.monotonic())
        time.sleep(0.5)
        return check_house(house)

    monkeypatch.setattr("orchestrator.api.house.check_house", check_slowly)
    app = guarded.application
    with ThreadPoolExecutor(16) as strangers:
        answers = list(strangers.map(lambda _: app.test_client().get("/ready"), range(16)))
    assert {answer.status_code for answer in answers} == {503}
    assert len(asked) == 1


def test_docs_when_the_house_opens_them_then_they_need_no_key(
    production: Settings, make_key: MakeKey
) -> None:
    make_key()
    settings = production.model_copy(update={"open_docs": True})
    client = create_app(settings).test_client()
    assert client.get("/docs").status_code == 200
    assert client.get("/openapi.json").status_code == 200


def test_key_when_it_asks_too_often_then_it_is_told_when_to_come_back(
    make_settings: MakeSettings, production: Settings, make_key: MakeKey
) -> None:
    secret, other = make_key(), make_key("other")
    settings = production.model_copy(update={"limit_requests_per_minute": 3})
    client = create_app(settings).test_client()
    for _ in range(3):
        assert client.get("/orchestrator/voices", headers=bearer(secret)).status_code == 200
    refused = client.get("/orchestrator/voices", headers=bearer(secret))
    problem(refused, 429, "limit_reached")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert client.get("/orchestrator/voices", headers=bearer(other)).status_code == 200
    assert client.get("/health").status_code == 200


def test_rates_when_the_minute_is_over_then_they_start_anew(production: Settings) -> None:
    now = [1000.0]
    settings = production.model_copy(update={"limit_session_requests_per_minute": 1})
    rates = Rates(settings, clock=lambda: now[0])
    caller = Principal.of_session(new_session_id())
    rates.count(caller)
    now[0] += 50
    with pytest.raises(LimitReachedError) as refused:
        rates.count(caller)
    assert refused.value.retry_after == 10
    now[0] += 11
    rates.count(caller)


def test_client_when_it_talks_too_fast_on_its_socket_then_1008_and_it_can_come_back(
    serve_web: ServeWeb, actor: Actor
) -> None:
    session_id = actor.text()
    with serve_web(socket_messages_per_minute=5) as web:
        with follow(web.ws_url, session_id) as client:
            for _ in range(6):
                client.say({"type": "ping"})
            _, code = client.until_closed()
            assert code == 1008
        with follow(web.ws_url, session_id) as client:
            assert client.confirmed()["data"]["session_id"] == session_id


def test_body_when_nobody_is_known_then_it_is_not_even_read(guarded: FlaskClient) -> None:
    response = guarded.post(START, data=b"{" * 200_000, content_type="application/json")
    problem(response, 401, "not_authenticated")
