"""What a foreign page in somebody's browser cannot do to a house that asks for no key."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.routing import Rule

from orchestrator.app import create_app
from sessions.directory import Directory
from sessions.ids import new_session_id
from tests.fixtures.redis import MakeSettings
from tests.support.http import START, end, problem, start, started

EVIL = "https://evil.example"
TEXT = '{"userName": "Ada", "channel": "text"}'
SIGNED = {"/livekit/webhook"}
FOREIGN = [
    {"Origin": EVIL},
    {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Host": "house.evil.example:8000"},
    {"Host": "house.evil.example:8000", "Origin": "http://house.evil.example:8000"},
]


def _changing(client: FlaskClient) -> list[tuple[str, str]]:
    """Return every method and path that changes something, but for what proves itself."""
    found: list[tuple[str, str]] = []
    rules: list[Rule] = list(client.application.url_map.iter_rules())
    for rule in rules:
        path = re.sub(r"<[^>]+>", new_session_id(), rule.rule)
        methods = (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        found += [(method, path) for method in methods if rule.rule not in SIGNED]
    return sorted(found)


@pytest.mark.parametrize("headers", FOREIGN)
def test_change_when_a_foreign_page_asks_without_a_key_then_nothing_is_done(
    client: FlaskClient, redis: Redis, headers: dict[str, str]
) -> None:
    changing = _changing(client)
    assert len(changing) >= 5
    before = set(redis.scan_iter("*"))
    for method, path in changing:
        response = client.open(
            path, method=method, headers=headers, data=TEXT, content_type="application/json"
        )
        problem(response, 403, "not_allowed")
        assert "Access-Control-Allow-Origin" not in response.headers
    assert set(redis.scan_iter("*")) == before


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None],
)
def test_form_when_no_browser_says_where_it_is_from_then_its_type_gives_it_away(
    client: FlaskClient, directory: Directory, content_type: str | None
) -> None:
    response = client.post(START, data=TEXT, content_type=content_type)
    problem(response, 415, "wrong_content_type")
    assert directory.count_live() == 0


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_preflight_when_a_foreign_page_asks_then_it_may_not(
    client: FlaskClient, method: str
) -> None:
    headers = {
        "Origin": EVIL,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type",
    }
    response = client.options(START, headers=headers)
    assert "Access-Control-Allow-Origin" not in response.headers
    assert "Access-Control-Allow-Methods" not in response.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost:5173", "Sec-Fetch-Site": "same-site"},
        {"Host": "127.0.0.1:8000", "Origin": "http://127.0.0.1:8000"},
        {"Host": "[::1]:8000", "Origin": "http://[::1]:8000"},
        {"Host": "switchboard.localhost"},
    ],
)
def test_change_when_a_page_of_ours_or_a_program_asks_then_it_is_done(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    session_id = started(client, headers, channel="text")
    assert end(client, session_id, headers).status_code == 200


def test_house_when_it_is_reached_by_a_public_name_then_that_is_ours(
    make_settings: MakeSettings, redis: Redis
) -> None:
    public = {"public_url": "https://voice.example/switchboard", "cors_origins": [EVIL]}
    client = create_app(make_settings(**public)).test_client()
    own = {"Host": "voice.example", "Origin": "https://voice.example"}
    assert start(client, own, channel="text").status_code == 201
    assert (
        start(client, {**own, "Sec-Fetch-Site": "same-origin"}, channel="text").status_code == 201
    )
    let_in = {"Host": "voice.example", "Origin": EVIL, "Sec-Fetch-Site": "cross-site"}
    assert start(client, let_in, channel="text").status_code == 201
    other = {"Host": "other.example", "Origin": "https://other.example"}
    problem(start(client, other, channel="text"), 403, "not_allowed")


def test_reading_when_a_name_of_somebody_elses_means_this_machine_then_nothing_is_told(
    client: FlaskClient,
) -> None:
    for path in ("/orchestrator/sessions", "/dashboard/events", "/dashboard/archive"):
        problem(client.get(path, headers={"Host": "evil.example"}), 403, "not_allowed")
    strange = client.get("/ready", headers={"Host": "evil.example"}).get_json()
    assert {check["detail"] for check in strange["checks"]} == {""}
