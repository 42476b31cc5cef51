"""Opening and closing the agent's ears over HTTP, with an agent that is played."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, cast

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from orchestrator.reading import confirming
from orchestrator.services import services_of
from sessions.directory import Directory
from sessions.keys import SessionKeys
from sessions.states import Reason
from sessions.store import SessionStore
from tests.fixtures.http import MakeKey
from tests.fixtures.web import Web
from tests.support.eventually import eventually
from tests.support.http import archived, bearer, end, problem, start, started
from tests.support.sessions import Actor

DEVELOPMENT = "development"


def ask(client: FlaskClient, verb: str, reference: str, secret: str = "") -> TestResponse:
    headers = bearer(secret) if secret else None
    return client.post(f"/listening/{verb}", json={"session_id": reference}, headers=headers)


@contextmanager
def agent_of(
    store: SessionStore, session_id: str, obey: Callable[[bool], None] | None = None
) -> Iterator[None]:
    """Play the agent of a session: it confirms each order about its ears, or does ``obey``."""
    gone = threading.Event()
    stream = SessionKeys.of(session_id).control

    def confirm(on: bool) -> None:
        store.emit(session_id, "listening", {"listening": on}, generation=1)

    def play() -> None:
        last = "0-0"
        while not gone.is_set():
            for entry_id, fields in cast("list[Any]", store.redis.xrange(stream, min=f"({last}")):
                last = entry_id
                if fields["command"] == "listen":
                    (obey or confirm)(json.loads(fields["data"])["on"])
            gone.wait(0.002)

    with ThreadPoolExecutor(1) as pool:
        playing = pool.submit(play)
        try:
            yield
        finally:
            gone.set()
            playing.result()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirming, "CONFIRM_SECONDS", 0.3)


def test_listening_when_the_agent_confirms_then_200_says_so(
    client: FlaskClient, store: SessionStore, actor: Actor, directory: Directory
) -> None:
    session_id = actor.ready(scope=DEVELOPMENT, aliases=["mine"])
    with agent_of(store, session_id):
        for verb, reference, on in (
            ("stop", session_id, False),
            ("stop", "mine", False),
            ("start", "mine", True),
            ("start", session_id, True),
        ):
            response = ask(client, verb, reference)
            assert response.status_code == 200
            assert response.get_json() == {"session_id": session_id, "listening": on}
            assert response.headers["X-Session-ID"] == session_id
            config = directory.config(session_id)
            assert config is not None
            assert config.listening is on


def test_listening_when_the_agent_has_confirmed_then_the_answer_is_there_soon(
    web: Web, redis: Redis, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.ready(scope=DEVELOPMENT)
    confirmed: list[float] = []

    def confirm(on: bool) -> None:
        time.sleep(0.05)
        confirmed.append(time.monotonic())
        store.emit(session_id, "listening", {"listening": on}, generation=1)

    late: list[float] = []
    with agent_of(store, session_id, confirm), httpx.Client(base_url=web.url) as client:
        for turn in range(10):
            verb = ("stop", "start")[turn % 2]
            answer = client.post(f"/listening/{verb}", json={"session_id": session_id})
            late.append(time.monotonic() - confirmed[-1])
            assert answer.json() == {"session_id": session_id, "listening": verb == "start"}
    assert sorted(late)[len(late) // 2] < 0.1


@pytest.mark.parametrize("state", ["queued", "starting", "recovering"])
def test_listening_when_no_agent_is_there_yet_then_the_wish_is_kept(
    client: FlaskClient, actor: Actor, directory: Directory, state: str
) -> None:
    session_id = getattr(actor, state)(scope=DEVELOPMENT)
    answer = ask(client, "stop", session_id)
    assert (answer.status_code, answer.get_json()["listening"]) == (200, False)
    config = directory.config(session_id)
    assert config is not None
    assert not config.listening
    shown = client.get(f"/orchestrator/session/{session_id}").get_json()
    assert shown["config"]["listening"] is False


@pytest.mark.usefixtures("impatient")
def test_listening_when_the_agent_does_not_confirm_then_504_and_the_wish_is_kept(
    client: FlaskClient, actor: Actor, directory: Directory
) -> None:
    session_id = actor.ready(scope=DEVELOPMENT)
    assert (
        "The wish is kept"
        in problem(ask(client, "stop", session_id), 504, "agent_silent")["detail"]
    )
    config = directory.config(session_id)
    assert config is not None
    assert not config.listening


@pytest.mark.usefixtures("impatient")
def test_listening_when_only_another_wish_is_confirmed_then_that_does_not_count(
    client: FlaskClient, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.ready(scope=DEVELOPMENT)
    store.emit(session_id, "listening", {"listening": False}, generation=1)  # of long ago
    problem(ask(client, "stop", session_id), 504, "agent_silent")

    def contradict(on: bool) -> None:
        store.emit(session_id, "listening", {"listening": not on}, generation=1)

    with agent_of(store, session_id, contradict):
        problem(ask(client, "stop", session_id), 504, "agent_silent")


def test_listening_when_the_agent_is_lost_meanwhile_then_the_next_one_has_the_wish(
    client: FlaskClient, actor: Actor, store: SessionStore, directory: Directory
) -> None:
    session_id = actor.ready(scope=DEVELOPMENT)

    def die(_on: bool) -> None:
        store.recover(session_id, "crash", unless_leased=False)

    with agent_of(store, session_id, die):
        answer = ask(client, "stop", session_id)
    assert (answer.status_code, answer.get_json()["listening"]) == (200, False)
    assert actor.claim(session_id, 2).config_fields["listening"] == "0"


def test_listening_when_the_session_ends_meanwhile_then_410(
    client: FlaskClient, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.ready(scope=DEVELOPMENT)

    def leave(_on: bool) -> None:
        store.begin_ending(session_id, Reason.USER_LEFT)

    with agent_of(store, session_id, leave):
        problem(ask(client, "start", session_id), 410, "session_over")


def test_listening_when_many_ask_at_once_then_each_has_its_answer(
    app: Flask, actor: Actor, store: SessionStore
) -> None:
    session_ids = [actor.ready(scope=DEVELOPMENT) for _ in range(3)]

    def ask_for(number: int) -> tuple[int, object]:
        verb, session_id = ("stop", "start")[number % 2], session_ids[number % 3]
        response = ask(app.test_client(), verb, session_id)
        return response.status_code, response.get_json()

    with (
        agent_of(store, session_ids[0]),
        agent_of(store, session_ids[1]),
        agent_of(store, session_ids[2]),
        ThreadPoolExecutor(12) as pool,
    ):
        answers = list(pool.map(ask_for, range(12)))
    for number, answer in enumerate(answers):
        wanted = {"session_id": session_ids[number % 3], "listening": number % 2 == 1}
        assert answer == (200, wanted)


def test_listening_when_the_session_has_ended_then_410(
    client: FlaskClient, app: Flask, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.ready(scope=DEVELOPMENT)
    end(client, session_id)
    problem(ask(client, "stop", session_id), 410, "session_over")
    over = archived()
    services_of(app).archive.save(over, ["mine"])
    for reference in (over.id, "mine"):
        problem(ask(client, "stop", reference), 410, "session_over")


def test_listening_when_it_is_a_text_session_then_409_says_why(client: FlaskClient) -> None:
    content = problem(ask(client, "start", started(client, channel="text")), 409, "wrong_channel")
    assert content["detail"] == "A text session has no agent that listens."


def test_listening_when_nobody_knows_the_session_then_404_or_400(client: FlaskClient) -> None:
    unknown = "session_1780000000000_abcdefghijkl"
    problem(ask(client, "start", unknown), 404, "unknown_session")
    problem(ask(client, "start", "not-an-id"), 400, "invalid_session_id")


@pytest.mark.parametrize(
    ("body", "field", "nearest"),
    [
        ({}, "session_id", None),
        ({"session_id": 7}, "session_id", None),
        ({"session_id": ""}, "session_id", None),
        ({"session_id": "x" * 129}, "session_id", None),
        ({"session_id": "mine", "listening": True}, "listening", None),
    ],
)
def test_listening_when_a_field_is_wrong_then_422_names_it(
    client: FlaskClient, body: object, field: str, nearest: str | None
) -> None:
    response = client.post("/listening/stop", json=body)
    [error] = problem(response, 422, "invalid_request")["errors"]
    assert (error["field"], error["nearest"]) == (field, nearest)


def test_listening_when_camel_case_is_sent_then_422_knows_better(client: FlaskClient) -> None:
    response = client.post("/listening/stop", json={"sessionId": "mine"})
    errors = problem(response, 422, "invalid_request")["errors"]
    assert {"sessionId": "session_id"}.items() <= {e["field"]: e["nearest"] for e in errors}.items()


def test_listening_when_the_body_is_not_json_then_400_or_415(client: FlaskClient) -> None:
    path, body = "/listening/stop", b"{"
    problem(client.post(path, data=body, content_type="application/json"), 400, "malformed_request")
    problem(client.post(path, data=body), 415, "wrong_content_type")
    assert client.get(path).status_code == 405


@pytest.mark.usefixtures("alive_worker")
def test_listening_when_in_production_then_only_its_owner_or_its_own_token_may(
    guarded: FlaskClient, make_key: MakeKey, directory: Directory
) -> None:
    owner, stranger, admin = make_key("a"), make_key("b"), make_key("c", admin=True)
    mine = start(guarded, bearer(owner), correlationToken="mine").get_json()
    other = start(guarded, bearer(owner)).get_json()
    problem(ask(guarded, "stop", mine["sessionId"]), 401, "not_authenticated")
    problem(ask(guarded, "stop", "mine", stranger), 400, "invalid_session_id")
    problem(ask(guarded, "stop", mine["sessionId"], stranger), 404, "unknown_session")
    problem(ask(guarded, "stop", mine["sessionId"], other["token"]), 404, "unknown_session")
    config = directory.config(mine["sessionId"])
    assert config is not None
    assert config.listening
    for secret in (owner, admin, mine["token"]):
        for verb in ("stop", "start"):
            assert ask(guarded, verb, mine["sessionId"], secret).status_code == 200
    assert ask(guarded, "stop", "mine", mine["token"]).status_code == 200


def test_listening_when_a_request_waits_then_its_connection_is_given_back(
    app: Flask, actor: Actor, store: SessionStore, redis: Redis
) -> None:
    session_id = actor.ready(scope=DEVELOPMENT)
    client = app.test_client()
    with agent_of(store, session_id):
        for _ in range(5):
            assert ask(client, "stop", session_id).status_code == 200
    eventually(lambda: redis.pubsub_channels("session:*") == [], 20, "nobody subscribes any more")
