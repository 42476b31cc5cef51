"""Chat over HTTP: what is taken, into which session, who may read the answer, and what is kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from orchestrator.chatting import asking
from orchestrator.services import services_of
from sessions import keys
from sessions.events import EventLog
from sessions.history import read_history
from sessions.ids import new_session_id
from sessions.keys import SessionKeys
from sessions.limits import Limits
from sessions.questions.desk import Desk
from sessions.questions.tasks import TaskRequest
from sessions.settings import Settings
from tests.fixtures.http import MakeKey
from tests.support.http import archived, bearer, problem, started
from tests.support.questions import answer_to


def chat(client: FlaskClient, headers: dict[str, str] | None = None, **body: Any) -> TestResponse:
    body.setdefault("message", "What are your opening hours?")
    return client.post("/chat", json=body, headers=headers)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[TaskRequest]:
    """The questions that were sent; nobody answers them."""
    requests: list[TaskRequest] = []

    def send(request: TaskRequest, _transport: object = None) -> bool:
        requests.append(request)
        return True

    monkeypatch.setattr(asking, "send_question", send)
    return requests


@pytest.fixture
def desk(redis: Redis, settings: Settings) -> Desk:
    return Desk(redis, settings)


def accepted(response: TestResponse) -> dict[str, Any]:
    assert response.status_code == 202, response.text
    content: dict[str, Any] = response.json  # pyright: ignore[reportAssignmentType]
    assert content["status"] == "pending"
    assert response.headers["X-Session-ID"] == content["session_id"]
    assert response.headers["Location"] == f"/chat/{content['correlation_id']}"
    return content


def test_chat_when_the_session_lives_then_the_question_is_a_turn_an_event_and_is_sent(
    client: FlaskClient, sent: list[TaskRequest], redis: Redis
) -> None:
    session_id = started(client, channel="text", knowledge="sample", language="de")
    content = accepted(
        chat(client, session_id=session_id, user_id="u-7", context={"page": "/prices", "a": [1]})
    )
    assert content["task_type"] == "general_info"
    assert set(content) == {"correlation_id", "session_id", "status", "task_type"}
    event = EventLog(redis).read(session_id)[-1]
    assert event.type == "transcript"
    assert event.data == {
        "session_id": session_id,
        "speaker": "caller",
        "text": "What are your opening hours?",
        "final": True,
        "typed": True,
        "correlation_id": content["correlation_id"],
    }
    assert [(t.role, t.text) for t in read_history(redis, session_id)] == [
        ("user", "What are your opening hours?")
    ]
    (request,) = sent
    assert request.correlation_id == content["correlation_id"]
    assert request.payload.session_id == session_id
    about = request.payload.user_context.model_dump()
    assert (about["user_id"], about["knowledge"], about["language"]) == ("u-7", "sample", "de")
    assert (about["page"], about["a"]) == ("/prices", [1])


def test_chat_when_said_before_then_the_conversation_travels_with_the_question(
    client: FlaskClient, sent: list[TaskRequest], desk: Desk
) -> None:
    first = accepted(chat(client, user_id="Ada"))
    assert desk.answer(answer_to(first["correlation_id"]))
    chat(client, message="And on Sundays?", session_id=first["session_id"])
    assert [(u.role, u.text) for u in sent[1].payload.conversation_history] == [
        ("user", "What are your opening hours?"),
        ("assistant", "At nine."),
    ]


def test_chat_when_the_context_says_who_one_is_then_the_session_knows_better(
    client: FlaskClient, sent: list[TaskRequest]
) -> None:
    session_id = started(client, channel="text", knowledge="sample", systemPrompt="Be kind.")
    chat(
        client,
        session_id=session_id,
        context={"user_id": 7, "knowledge": ["other"], "language": None, "prompt": "Be rude."},
    )
    about = sent[0].payload.user_context
    assert (about.user_id, about.knowledge, about.language) == ("Ada", "sample", "en")
    assert about.prompt == "Be kind."


def test_chat_when_the_answer_is_there_then_it_can_be_read(
    client: FlaskClient, sent: list[TaskRequest], desk: Desk, redis: Redis
) -> None:
    content = accepted(chat(client, user_id="Ada"))
    path = f"/chat/{content['correlation_id']}"
    assert accepted(client.get(path)) == content
    assert desk.answer(answer_to(content["correlation_id"]))
    response = client.get(path)
    assert response.status_code == 200
    assert response.json == {
        "correlation_id": content["correlation_id"],
        "session_id": content["session_id"],
        "task_type": "general_info",
        "status": "SUCCESS",
        "response": "At nine.",
        "sources": ["hours.md"],
        "requires_human_handoff": False,
        "suggested_actions": [],
        "error": None,
    }
    assert 3500 < redis.ttl(keys.question(content["correlation_id"])) <= 3600


@pytest.mark.usefixtures("sent")
def test_chat_when_waited_for_then_the_answer_comes_at_once_or_later(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, desk: Desk
) -> None:
    late = client.post(
        "/chat", json={"message": "Hm?", "user_id": "Ada"}, headers={"Prefer": "wait=1"}
    )
    accepted(late)
    assert late.headers["Preference-Applied"] == "wait=1"

    def answer(request: TaskRequest, _transport: object = None) -> bool:
        return desk.answer(answer_to(request.correlation_id))

    monkeypatch.setattr(asking, "send_question", answer)
    response = chat(client, {"Prefer": "wait=10"}, user_id="Ada")
    assert response.status_code == 200
    assert response.json is not None
    assert response.json["response"] == "At nine."
    assert response.headers["Preference-Applied"] == "wait=10"


@pytest.mark.usefixtures("sent")
def test_chat_when_nothing_names_a_session_then_a_new_one_in_writing_is_made(
    client: FlaskClient,
) -> None:
    content = accepted(chat(client, user_id="Ada"))
    shown = client.get(f"/orchestrator/session/{content['session_id']}").get_json()
    assert (shown["channel"], shown["state"], shown["userName"]) == ("text", "ready", "Ada")
    assert shown["aliases"] == []
    errors = problem(chat(client), 422, "invalid_request")["errors"]
    assert [error["field"] for error in errors] == ["user_id"]


@pytest.mark.usefixtures("sent")
def test_chat_when_the_name_is_new_then_a_session_in_writing_is_made_under_it(
    client: FlaskClient,
) -> None:
    first = accepted(chat(client, session_id="session-abc-123", user_id="Ada"))
    assert first["session_id"] != "session-abc-123"
    again = accepted(chat(client, session_id="session-abc-123", user_id="Bob"))
    by_header = accepted(chat(client, {"X-Session-ID": "session-abc-123"}))
    assert first["session_id"] == again["session_id"] == by_header["session_id"]
    shown = client.get("/orchestrator/session/session-abc-123").get_json()
    assert (shown["aliases"], shown["userName"]) == (["session-abc-123"], "Ada")


@pytest.mark.usefixtures("sent")
def test_chat_when_many_write_under_one_new_name_at_once_then_there_is_one_session(
    app: Flask,
) -> None:
    def write(n: int) -> str:
        return accepted(chat(app.test_client(), session_id="race-1", user_id=f"u{n}"))["session_id"]

    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(write, range(8)))
    assert len(made) == 1
    assert services_of(app).directory.count_live() == 1


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize(
    ("reference", "status", "code"),
    [
        ("session_1753590741399_qlgq6cfjw", 404, "unknown_session"),
        ("", 400, "invalid_session_id"),
        ("no spaces", 400, "invalid_session_id"),
        ("x" * 129, 400, "invalid_session_id"),
        ("session_123_abc", 400, "invalid_session_id"),
        ("session_1753590741399_ABC", 400, "invalid_session_id"),
    ],
)
def test_chat_when_the_reference_means_nothing_then_it_is_refused(
    client: FlaskClient, redis: Redis, reference: str, status: int, code: str
) -> None:
    problem(chat(client, session_id=reference, user_id="Ada"), status, code)
    assert redis.zcard(keys.LIVE) == 0


@pytest.mark.parametrize(
    ("body", "field", "nearest"),
    [
        ({"message": ""}, "message", None),
        ({"message": " \n "}, "message", None),
        ({"message": "x" * 4001}, "message", None),
        ({"message": "a\x00b"}, "message", None),
        ({"message": 7}, "message", None),
        ({"message": "Hm?", "sessionId": "a"}, "sessionId", "session_id"),
        ({"message": "Hm?", "context": {"a": "x" * 8192}}, "context", None),
        ({"message": "Hm?", "context": []}, "context", None),
        ({"message": "Hm?", "context": {"a": ["\ud800"]}}, "context", None),
        ({"message": "Hm?", "context": {"\ud800": 1}}, "context", None),
        ({"message": "Hm?", "speak": "yes"}, "speak", None),
        ({"message": "Hm?", "user_id": ""}, "user_id", None),
        ({}, "message", None),
    ],
)
def test_chat_when_a_field_is_wrong_then_it_is_named(
    client: FlaskClient,
    sent: list[TaskRequest],
    body: dict[str, Any],
    field: str,
    nearest: str | None,
) -> None:
    response = client.post("/chat", json={"user_id": "Ada", **body})
    errors = problem(response, 422, "invalid_request")["errors"]
    assert [(error["field"], error["nearest"]) for error in errors] == [(field, nearest)]
    assert sent == []


def test_chat_when_the_message_is_as_long_as_it_may_be_then_it_is_taken(
    client: FlaskClient, sent: list[TaskRequest]
) -> None:
    accepted(chat(client, user_id="Ada", message="\U0001f600" * 4000))
    assert sent[0].payload.message == "\U0001f600" * 4000


@pytest.mark.usefixtures("sent")
def test_chat_when_the_session_is_ending_or_has_ended_then_it_is_gone(
    client: FlaskClient, app: Flask
) -> None:
    house = services_of(app)
    session_id = accepted(chat(client, session_id="mine", user_id="Ada"))["session_id"]
    client.post("/orchestrator/session/end", json={"sessionId": session_id})
    problem(chat(client, session_id=session_id), 410, "session_over")
    ended = archived(id=new_session_id(), channel="text")
    house.archive.save(ended, ["old"])
    problem(chat(client, session_id=ended.id), 410, "session_over")
    problem(chat(client, session_id="old", user_id="Ada"), 410, "session_over")


@pytest.mark.usefixtures("sent")
def test_chat_when_a_session_asks_too_much_then_it_must_wait(
    client: FlaskClient, desk: Desk, redis: Redis, app: Flask
) -> None:
    session_id = started(client, channel="text")
    key = SessionKeys.of(session_id).session
    now = redis.time()[0]
    redis.hset(key, mapping={"chatMinute": now // 60, "chatCount": 60})
    response = chat(client, session_id=session_id)
    if redis.time()[0] // 60 == now // 60:
        problem(response, 429, "limit_reached")
        assert 1 <= int(response.headers["Retry-After"]) <= 60
        assert desk.count_open() == 0


def test_chat_when_tenants_meet_then_neither_learns_of_the_other(
    guarded: FlaskClient, make_key: MakeKey, sent: list[TaskRequest], production: Settings
) -> None:
    ada, bob, admin = make_key("ada"), make_key("bob"), make_key("root", admin=True)
    problem(chat(guarded, user_id="x"), 401, "not_authenticated")
    hers = accepted(chat(guarded, bearer(ada), session_id="chat-1", user_id="Ada"))
    his = accepted(chat(guarded, bearer(bob), session_id="chat-1", user_id="Bob"))
    assert hers["session_id"] != his["session_id"]
    problem(chat(guarded, bearer(bob), session_id=hers["session_id"]), 404, "unknown_session")
    path = f"/chat/{hers['correlation_id']}"
    unknown = problem(
        guarded.get("/chat/chat_nothing", headers=bearer(bob)), 404, "unknown_question"
    )
    foreign = problem(guarded.get(path, headers=bearer(bob)), 404, "unknown_question")
    assert set(unknown) == set(foreign)
    assert guarded.get(path, headers=bearer(ada)).status_code == 202
    assert guarded.get(path, headers=bearer(admin)).status_code == 202
    problem(guarded.get(path), 401, "not_authenticated")


def test_chat_when_a_session_token_is_used_then_it_reaches_its_own_session_only(
    guarded: FlaskClient, make_key: MakeKey, sent: list[TaskRequest]
) -> None:
    ada = make_key("ada")
    start = guarded.post(
        "/orchestrator/session/start",
        json={"userName": "Ada", "channel": "text"},
        headers=bearer(ada),
    ).get_json()
    token = bearer(start["token"])
    other = accepted(chat(guarded, bearer(ada), session_id="other", user_id="Ada"))
    mine = accepted(chat(guarded, token))
    assert mine["session_id"] == start["sessionId"]
    accepted(chat(guarded, token, session_id=start["sessionId"]))
    problem(chat(guarded, token, session_id=other["session_id"]), 404, "unknown_session")
    problem(chat(guarded, token, session_id="other"), 400, "invalid_session_id")
    problem(chat(guarded, token, session_id="nobodys"), 400, "invalid_session_id")
    assert guarded.get(f"/chat/{mine['correlation_id']}", headers=token).status_code == 202
    problem(guarded.get(f"/chat/{other['correlation_id']}", headers=token), 404, "unknown_question")


@pytest.mark.usefixtures("sent")
def test_chat_when_a_key_may_have_no_more_sessions_then_a_new_name_is_refused(
    guarded: FlaskClient, make_key: MakeKey
) -> None:
    ada = bearer(make_key("ada", limits=Limits(live=1)))
    accepted(chat(guarded, ada, session_id="one", user_id="Ada"))
    refused = chat(guarded, ada, session_id="two", user_id="Ada")
    problem(refused, 429, "limit_reached")
    assert refused.headers["Retry-After"]
    accepted(chat(guarded, ada, session_id="one", user_id="Ada"))
