"""What is wrong is told exactly, and changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from sessions.directory import Directory
from sessions.ids import new_session_id
from tests.fixtures.web import Web
from tests.support import loopback
from tests.support.http import END, START, bearer, end, problem, start

JSON = "application/json"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{'userName': 'Ada'}", b'{"metadata": NaN}', b"\xff", b"[" * 60_000],
    ids=["empty", "cut", "single quotes", "NaN", "no utf-8", "deep"],
)
def test_body_when_it_is_no_json_then_400(client: FlaskClient, body: bytes) -> None:
    problem(client.post(START, data=body, content_type=JSON), 400, "malformed_request")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_body_when_its_type_is_wrong_then_415(
    client: FlaskClient, content_type: str | None
) -> None:
    response = client.post(START, data=b'{"userName": "Ada"}', content_type=content_type)
    problem(response, 415, "wrong_content_type")


@pytest.mark.parametrize(("size", "status"), [(65_536, 422), (65_537, 413), (10**7, 413)])
def test_body_when_over_64_kib_then_413(client: FlaskClient, size: int, status: int) -> None:
    body = json.dumps({"userName": ""}).encode().ljust(size)
    assert client.post(START, data=body, content_type=JSON).status_code == status


@pytest.mark.parametrize(("size", "status"), [(65_536, 422), (65_537, 413), (200_000, 413)])
def test_body_when_chunked_and_over_64_kib_then_413(web: Web, size: int, status: int) -> None:
    body = json.dumps({"userName": ""}).encode().ljust(size)
    chunks = (body[at : at + 1000] for at in range(0, size, 1000))
    headers = {"Content-Type": JSON}
    assert loopback.post(web.url + START, content=chunks, headers=headers).status_code == status


@pytest.mark.parametrize(
    ("fields", "field", "nearest"),
    [
        ({"userName": None}, "userName", None),
        ({"userName": " "}, "userName", None),
        ({"userName": "A\x00"}, "userName", None),
        ({"userName": "A" * 129}, "userName", None),
        ({"userNaem": "Ada"}, "userNaem", "userName"),
        ({"openingLine": "x" * 2001}, "openingLine", None),
        ({"openingLine": "\x07"}, "openingLine", None),
        ({"language": "e"}, "language", None),
        ({"agent": "../x"}, "agent", None),
        ({"agent": "asistant"}, "agent", "assistant"),
        ({"maxDurationSeconds": 9}, "maxDurationSeconds", None),
        ({"maxDurationSeconds": "soon"}, "maxDurationSeconds", None),
        ({"metadata": {"x": "y" * 8192}}, "metadata", None),
        ({"correlationToken": "two words"}, "correlationToken", None),
        ({"channel": "fax"}, "channel", None),
        ({"systemPrompt": "\ud800"}, "systemPrompt", None),
    ],
)
def test_start_when_a_field_is_wrong_then_422_names_it(
    client: FlaskClient, fields: dict[str, Any], field: str, nearest: str | None
) -> None:
    errors = problem(start(client, **fields), 422, "invalid_request")["errors"]
    assert [(error["field"], error["nearest"]) for error in errors] == [(field, nearest)]


def test_start_when_the_body_is_a_list_then_422(client: FlaskClient) -> None:
    content = problem(client.post(START, json=["Ada"]), 422, "invalid_request")
    assert content["errors"][0]["field"] == "body"


def test_start_when_metadata_holds_half_a_character_then_it_comes_back(
    client: FlaskClient,
) -> None:
    response = start(client, channel="text", metadata={"x": "\ud800"})
    shown = client.get(response.headers["Location"]).get_json()
    assert shown["config"]["metadata"] == {"x": "\ud800"}


def test_start_when_the_voice_is_unknown_then_422_lists_the_known(client: FlaskClient) -> None:
    content = problem(start(client, voiceId="Oliva"), 422, "unknown_voice")
    assert content["known"] == ["Ashley", "Craig", "Edward", "Olivia", "Wendy", "Priya"]
    assert content["errors"][0]["nearest"] == "Olivia"


def test_start_when_the_header_is_no_alias_then_422_names_it(
    client: FlaskClient, directory: Directory
) -> None:
    content = problem(start(client, {"X-Session-ID": "two words"}), 422, "invalid_request")
    assert content["errors"][0]["field"] == "X-Session-ID"
    assert directory.count_live() == 0


@pytest.mark.parametrize(
    "reference", ["x", "session_1_abc", "session_9999999999999_abcdefgh", "a b", "%00", "x" * 200]
)
def test_reference_when_malformed_then_400(client: FlaskClient, reference: str) -> None:
    for path in (f"/orchestrator/session/{reference}", f"/orchestrator/session/{reference}/events"):
        problem(client.get(path), 400, "invalid_session_id")


@pytest.mark.parametrize(
    "reference", [new_session_id(), "session_1753590741399040_5cc15fe6"], ids=["new", "old form"]
)
def test_reference_when_nobody_has_it_then_404(client: FlaskClient, reference: str) -> None:
    problem(client.get(f"/orchestrator/session/{reference}"), 404, "unknown_session")
    problem(client.get(f"/orchestrator/session/{reference}/events"), 404, "unknown_session")
    problem(end(client, reference), 404, "unknown_session")


def test_end_when_the_reference_is_malformed_then_400(client: FlaskClient) -> None:
    problem(end(client, "no such thing"), 400, "invalid_session_id")
    problem(client.post(END, json={}), 422, "invalid_request")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("state=asleep", "state"),
        ("status=some", "status"),
        ("channel=fax", "channel"),
        ("reason=rain", "reason"),
        ("cursor=%21", "cursor"),
        ("cursor=bm9uc2Vuc2U", "cursor"),
        ("cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk6eA", "cursor"),
        ("usrName=Ada", "usrName"),
    ],
)
def test_list_when_the_query_is_wrong_then_422_names_it(
    client: FlaskClient, query: str, field: str
) -> None:
    content = problem(client.get(f"/orchestrator/sessions?{query}"), 422, "invalid_request")
    assert content["errors"][0]["field"] == field


@pytest.mark.parametrize("query", ["since=now", "since=1-2-3", "limit=0", "limit=1001", "from=1"])
def test_events_when_the_query_is_wrong_then_422(client: FlaskClient, query: str) -> None:
    session_id = start(client, channel="text").get_json()["sessionId"]
    path = f"/orchestrator/session/{session_id}/events?{query}"
    problem(client.get(path), 422, "invalid_request")


def test_path_when_there_is_none_then_404_and_when_the_method_is_wrong_405(
    client: FlaskClient,
) -> None:
    problem(client.get("/nowhere"), 404, "no_such_route")
    response = client.get(START)
    problem(response, 405, "method_not_allowed")
    assert "POST" in response.headers["Allow"]


def test_error_when_nobody_expected_it_then_500_tells_nothing(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr(Directory, "load", fail)
    response = client.get(f"/orchestrator/session/{new_session_id()}")
    problem(response, 500, "internal_error")
    assert "42" not in response.text


def test_bearer_when_it_is_wrong_then_401_in_development_too(client: FlaskClient) -> None:
    response = start(client, bearer("sb_nonsense"))
    problem(response, 401, "not_authenticated")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
