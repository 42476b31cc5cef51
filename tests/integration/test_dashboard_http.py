"""What an operator may ask for, and who is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from sessions.database import open_database
from sessions.events import Event, EventLog
from sessions.ids import new_session_id
from sessions.settings import Settings
from sessions.store import SessionStore
from tests.fixtures.http import MakeKey, archive_of
from tests.support.http import archived, bearer, end, problem, start, started
from tests.support.sessions import Actor

NOON = 1_780_000_000_000
PATHS = ("/events", "/archive", "/sessions/{id}", "/sessions/{id}/prompt")
PROMPT = "The vault opens at nine."
OPENING = "Welcome to the vault."


def look(client: FlaskClient, path: str, **given: Any) -> dict[str, Any]:
    """Return what the dashboard answers to a GET."""
    response = client.get(f"/dashboard{path}", **given)
    assert response.status_code == 200, response.text
    return response.get_json()


def test_page_when_anybody_opens_it_then_it_is_there_and_holds_nothing(
    guarded: FlaskClient,
) -> None:
    with guarded.get("/dashboard") as page:
        assert page.status_code == 200
        assert page.content_type.startswith("text/html")
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in page.headers
    problem(guarded.get("/dashboard/static/none.js"), 404, "no_such_route")
    problem(guarded.get("/dashboard/static/../routes.py"), 404, "no_such_route")
    problem(guarded.get("/dashboard/static/%2e%2e/routes.py"), 404, "no_such_route")


@pytest.mark.parametrize("path", PATHS)
def test_dashboard_when_somebody_else_asks_then_403_with_words_and_an_admin_is_let_in(
    guarded: FlaskClient, make_key: MakeKey, path: str
) -> None:
    mine = bearer(make_key("plain"))
    answer = start(guarded, mine, channel="text").get_json()
    path = f"/dashboard{path.format(id=answer['sessionId'])}"
    problem(guarded.get(path), 401, "not_authenticated")
    refused = problem(guarded.get(path, headers=mine), 403, "not_allowed")
    assert "--admin" in refused["detail"]
    problem(guarded.get(path, headers=bearer(answer["token"])), 403, "not_allowed")
    with guarded.get(path, headers=bearer(make_key("boss", admin=True))) as response:
        assert response.status_code == 200


def test_session_when_it_lives_then_shows_all_but_its_prompt_and_its_lines(
    client: FlaskClient, actor: Actor, store: SessionStore
) -> None:
    session_id = started(
        client,
        correlationToken="my-call",
        systemPrompt=PROMPT,
        openingLine=OPENING,
        recoveryLine="The vault is back.",
        metadata={"pin": "vault"},
    )
    actor.claim(session_id)
    store.ready(session_id, 1)
    turn = {"role": "user", "text": "When do you open?", "generation": 1}
    data = {"speaker": "caller", "text": "When do you open?", "final": True}
    store.emit(session_id, "transcript", data, turn=turn)
    store.recover(session_id, "agent_died", unless_leased=False)
    shown = look(client, "/sessions/my-call")
    assert (shown["sessionId"], shown["state"], shown["scope"], shown["key"]) == (
        *(session_id, "recovering"),
        *("development", "development"),
    )
    assert shown["aliases"] == ["my-call"]
    assert set(shown["config"]) == {
        *("voiceId", "language", "agent", "knowledge", "maxDurationSeconds", "listening")
    }
    assert [one["text"] for one in shown["transcript"]] == ["When do you open?"]
    assert [one["cause"] for one in shown["generations"]] == ["agent_died", None]
    kinds = [one["type"] for one in shown["events"]]
    assert (kinds[0], kinds[-1]) == ("session_state", "agent_recovering")
    assert shown["eventsTotal"] == len(kinds)
    assert shown["lastEventId"] == shown["events"][-1]["id"]
    since = f"/orchestrator/session/{session_id}/events?since={shown['lastEventId']}"
    assert client.get(since).get_json()["events"] == []
    assert {"accepted", "claimed", "ready"} <= shown["timeline"].keys()
    assert "vault" not in json.dumps(shown)


def test_session_when_it_changes_while_it_is_read_then_its_state_is_that_of_its_last_event(
    client: FlaskClient, actor: Actor, store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id, newest = actor.ready(), EventLog.newest

    def read_late(log: EventLog, id_: str, count: int) -> list[Event]:
        store.recover(session_id, "agent_died", unless_leased=False)
        return newest(log, id_, count)

    monkeypatch.setattr(EventLog, "newest", read_late)
    shown = look(client, f"/sessions/{session_id}")
    assert shown["events"][-1]["type"] == "agent_recovering"
    assert shown["state"] == "recovering"


def test_session_when_it_has_ended_then_shows_what_is_kept(client: FlaskClient, app: Flask) -> None:
    ended = archived(events=7, recoveries=1)
    archive_of(app).save(ended, ["my-call"])
    shown = look(client, f"/sessions/{ended.id}")
    assert (shown["state"], shown["reason"], shown["recoveries"]) == ("ended", "user_left", 1)
    assert [one["text"] for one in shown["transcript"]] == ["Hello."]
    assert (shown["events"], shown["eventsTotal"], shown["lastEventId"]) == ([], 7, "0-0")
    assert shown["config"]["voiceId"] == "Craig"
    assert "Keep this" not in json.dumps(shown)
    problem(client.get(f"/dashboard/sessions/{new_session_id()}"), 404, "unknown_session")
    problem(client.get("/dashboard/sessions/none!"), 400, "invalid_session_id")


def test_session_when_the_database_is_away_then_a_live_one_is_shown(
    client: FlaskClient, actor: Actor, settings: Settings
) -> None:
    session_id = actor.ready()
    engine = open_database(settings.database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE api_keys")
        connection.exec_driver_sql("DROP TABLE archived_aliases")
        connection.exec_driver_sql("DROP TABLE archived_sessions")
    engine.dispose()
    assert look(client, f"/sessions/{session_id}")["state"] == "ready"
    problem(client.get("/dashboard/archive"), 503, "store_unavailable")


def test_end_when_an_operator_presses_it_then_the_session_of_any_key_ends(
    guarded: FlaskClient, make_key: MakeKey
) -> None:
    session_id = started(guarded, bearer(make_key("plain")), channel="text")
    boss = bearer(make_key("boss", admin=True))
    assert end(guarded, session_id, boss).status_code == 200
    shown = look(guarded, f"/sessions/{session_id}", headers=boss)
    assert (shown["state"], shown["reason"], shown["key"]) == ("ending", "ended_by_api", "plain")


def test_prompt_when_an_operator_asks_then_it_is_shown_and_logged_without_its_words(
    guarded: FlaskClient, make_key: MakeKey
) -> None:
    mine, boss = bearer(make_key("plain")), bearer(make_key("boss", admin=True))
    lines = {"systemPrompt": PROMPT, "openingLine": OPENING}
    session_id = started(guarded, mine, channel="text", **lines)
    with capture_logs([merge_contextvars]) as logged:
        shown = look(guarded, f"/sessions/{session_id}/prompt", headers=boss)
    assert shown == {"sessionId": session_id, **lines, "recoveryLine": None}
    [line] = [line for line in logged if line["event"] == "prompt_shown"]
    assert line["asked_by"].startswith("key_")
    assert line["session_id"] == session_id
    assert "vault" not in str(logged)


def test_prompt_when_the_session_has_ended_then_the_archive_has_it(
    client: FlaskClient, app: Flask
) -> None:
    ended, bare = archived(), archived(config={})
    archive_of(app).save(ended)
    archive_of(app).save(bare)
    shown = look(client, f"/sessions/{ended.id}/prompt")
    assert shown["systemPrompt"] == "Keep this to yourself."
    problem(client.get(f"/dashboard/sessions/{bare.id}/prompt"), 410, "session_over")


@pytest.fixture
def kept(app: Flask) -> dict[str, str]:
    """Five ended sessions, a minute apart, by name."""
    archive, ids = archive_of(app), {}
    said: dict[str, dict[str, Any]] = {
        "plain": {},
        "grace": {"user_name": "Grace"},
        "broken": {"reason": "agent_error", "fault": "platform", "channel": "text"},
        "umlaut": {"transcript": [{"role": "user", "text": 'Über 100% "sure"?', "at": 1}]},
        "latest": {"transcript": [{"role": "user", "text": "role and text", "at": 1}]},
    }
    for minute, (name, fields) in enumerate(said.items()):
        session = archived(accepted_at=NOON + minute * 60_000, **fields)
        archive.save(session)
        ids[session.id] = name
    return ids


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["latest", "umlaut", "broken", "grace", "plain"]),
        ("user=Grace", ["grace"]),
        ("reason=agent_error", ["broken"]),
        ("fault=platform&channel=text", ["broken"]),
        (f"from={NOON + 60_000}&to={NOON + 180_000}", ["broken", "grace"]),
        ("text=hello", ["broken", "grace", "plain"]),
        ("text=%C3%BCber+100%25+%22SURE", ["umlaut"]),
        ("text=100_", []),
        ("text=role", ["latest"]),
        ("text=interrupted", []),
        ("text=hello&user=Grace", ["grace"]),
        ("user=Nobody", []),
        ("state=ready", []),
    ],
)
def test_search_when_asked_then_finds_what_fits_and_nothing_else(
    client: FlaskClient, kept: dict[str, str], query: str, found: list[str]
) -> None:
    answer = look(client, f"/archive?{query}")
    assert [kept[one["sessionId"]] for one in answer["sessions"]] == found
    assert answer["nextCursor"] is None


@pytest.mark.parametrize("query", ["", "&text=hello"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_search_when_it_takes_several_pages_then_each_session_is_on_one(
    client: FlaskClient,
    kept: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    query: str,
    limit: int,
) -> None:
    monkeypatch.setattr("orchestrator.dashboard.searching._LOOK_AT", 2)
    whole = look(client, f"/archive?{query}")
    found: list[str] = []
    cursor = ""
    for _ in range(10):
        answer = look(client, f"/archive?limit={limit}{query}{cursor}")
        assert len(answer["sessions"]) <= limit
        found += [kept[one["sessionId"]] for one in answer["sessions"]]
        if answer["nextCursor"] is None:
            break
        cursor = f"&before={answer['nextCursor']}"
    every = ["latest", "umlaut", "broken", "grace", "plain"]
    assert found == (every[2:] if query else every)
    assert whole["sessions"] == [] if query else len(whole["sessions"]) == len(every)


def test_search_when_live_ones_are_asked_for_then_finds_them_with_their_key(
    client: FlaskClient, actor: Actor
) -> None:
    session_id = actor.ready(user="Grace")
    actor.queued()
    [found] = look(client, "/archive?state=ready&user=Grace")["sessions"]
    assert (found["sessionId"], found["key"]) == (session_id, "local")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("user=", "user"),
        ("state=dead", "state"),
        ("reason=bored", "reason"),
        ("fault=moon", "fault"),
        ("from=yesterday", "from"),
        ("to=-1", "to"),
        ("from=2000&to=1000", "to"),
        ("text=ab", "text"),
        (f"text={'x' * 201}", "text"),
        ("text=hello&state=ready", "text"),
        ("before=rubbish", "before"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("userName=Ada", "userName"),
    ],
)
def test_search_when_a_field_is_wrong_then_422_names_it(
    client: FlaskClient, query: str, field: str
) -> None:
    answer = problem(client.get(f"/dashboard/archive?{query}"), 422, "invalid_request")
    assert [one["field"] for one in answer["errors"]] == [field]


def test_sessions_when_listed_by_fault_and_time_then_both_kinds_are_asked(
    client: FlaskClient, kept: dict[str, str], actor: Actor, redis: Redis
) -> None:
    session_id = actor.ready()
    listed = client.get(f"/orchestrator/sessions?from={NOON + 240_000}").get_json()["sessions"]
    assert [kept.get(one["sessionId"], "live") for one in listed] == ["live", "latest"]
    assert listed[0]["sessionId"] == session_id
    listed = client.get("/orchestrator/sessions?fault=platform").get_json()["sessions"]
    assert [kept[one["sessionId"]] for one in listed] == ["broken"]
    listed = client.get(f"/orchestrator/sessions?to={NOON + 1}").get_json()["sessions"]
    assert [kept[one["sessionId"]] for one in listed] == ["plain"]
