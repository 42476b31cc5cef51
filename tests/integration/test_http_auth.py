"""Who may do what, when it counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from livekit.api import AccessToken, VideoGrants

from orchestrator.access.exposure import check_exposure
from orchestrator.app import create_app
from sessions.apikeys import ApiKeys
from sessions.database import open_database
from sessions.errors import ConfigurationError
from sessions.ids import new_session_id
from sessions.limits import Limits
from sessions.settings import Settings
from sessions.states import Reason
from tests.fixtures.http import MakeKey
from tests.fixtures.redis import MakeSettings
from tests.support.http import END, START, bearer, end, problem, start, started
from tests.support.sessions import Actor

ASKED_WITH_A_KEY = [
    ("POST", START),
    ("POST", END),
    ("GET", "/orchestrator/sessions"),
    ("GET", "/orchestrator/session/session_1753590741399_qlgq6cfjw"),
    ("GET", "/orchestrator/session/session_1753590741399_qlgq6cfjw/events"),
    ("GET", "/orchestrator/voices"),
]


def _token(settings: Settings, **given: object) -> str:
    """Sign a token as an enemy or a neighbour would."""
    wanted = {
        "secret": settings.livekit_api_secret.get_secret_value(),
        "key": settings.livekit_api_key,
        "ttl": 60,
        "room": new_session_id(),
        "join": True,
        **given,
    }
    grants = VideoGrants(room_join=bool(wanted["join"]), room=str(wanted["room"]))
    token = AccessToken(str(wanted["key"]), str(wanted["secret"])).with_identity("caller")
    return token.with_grants(grants).with_ttl(timedelta(seconds=int(str(wanted["ttl"])))).to_jwt()


@pytest.mark.parametrize(("method", "path"), ASKED_WITH_A_KEY)
@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer sb_wrong", "Bearer a.b.c", "Basic dTpw", "sb_wrong"]
)
def test_request_when_the_bearer_is_missing_or_wrong_then_401(
    guarded: FlaskClient, method: str, path: str, header: str | None
) -> None:
    headers = {"Authorization": header} if header else {}
    response = guarded.open(path, method=method, headers=headers, data=b"{")
    problem(response, 401, "not_authenticated")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "given",
    [
        {"secret": "another secret that has enough characters"},
        {"key": "another"},
        {"ttl": -5},
        {"room": "lobby"},
        {"join": False},
    ],
    ids=["secret", "key", "expired", "room", "no join"],
)
def test_token_when_it_opens_no_session_then_401(
    guarded: FlaskClient, production: Settings, given: dict[str, object]
) -> None:
    headers = bearer(_token(production, **given))
    problem(guarded.get("/orchestrator/voices", headers=headers), 401, "not_authenticated")


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
def test_probe_when_asked_without_a_key_then_it_answers(guarded: FlaskClient, path: str) -> None:
    assert guarded.get(path).status_code in {200, 503}


def test_query_token_when_it_is_no_socket_then_it_does_not_count(
    guarded: FlaskClient, make_key: MakeKey
) -> None:
    path = f"/orchestrator/voices?access_token={make_key()}"
    problem(guarded.get(path), 401, "not_authenticated")


def test_key_when_valid_then_it_starts_and_sees_its_own(
    guarded: FlaskClient, make_key: MakeKey
) -> None:
    mine = bearer(make_key())
    session_id = started(guarded, mine, channel="text", systemPrompt="Mine.")
    shown = guarded.get(f"/orchestrator/session/{session_id}", headers=mine).get_json()
    assert shown["config"]["systemPrompt"] == "Mine."
    listed = guarded.get("/orchestrator/sessions", headers=mine).get_json()["sessions"]
    assert [session["sessionId"] for session in listed] == [session_id]


def test_key_when_the_session_is_anothers_then_404_as_if_there_were_none(
    guarded: FlaskClient, make_key: MakeKey
) -> None:
    session_id = started(guarded, bearer(make_key()), channel="text", correlationToken="name")
    other = bearer(make_key("other"))
    path = f"/orchestrator/session/{session_id}"
    problem(guarded.get(path, headers=other), 404, "unknown_session")
    problem(guarded.get(f"{path}/events", headers=other), 404, "unknown_session")
    problem(end(guarded, session_id, other), 404, "unknown_session")
    problem(guarded.get("/orchestrator/session/name", headers=other), 400, "invalid_session_id")
    assert guarded.get("/orchestrator/sessions", headers=other).get_json()["sessions"] == []


def test_alias_when_two_keys_use_one_name_then_each_means_its_own(
    guarded: FlaskClient, make_key: MakeKey
) -> None:
    keys = bearer(make_key()), bearer(make_key("other"))
    for mine in keys:
        session_id = started(guarded, mine, channel="text", correlationToken="name")
        shown = guarded.get("/orchestrator/session/name", headers=mine).get_json()
        assert shown["sessionId"] == session_id


def test_key_when_admin_then_it_sees_and_ends_all_but_reads_no_prompt(
    guarded: FlaskClient, make_key: MakeKey
) -> None:
    session_id = started(guarded, bearer(make_key()), channel="text")
    admin = bearer(make_key("admin", admin=True))
    shown = guarded.get(f"/orchestrator/session/{session_id}", headers=admin).get_json()
    assert shown["config"]["systemPrompt"] is None
    listed = guarded.get("/orchestrator/sessions", headers=admin).get_json()["sessions"]
    assert [session["sessionId"] for session in listed] == [session_id]
    assert end(guarded, session_id, admin).status_code == 200


def test_key_when_revoked_then_401(
    guarded: FlaskClient, make_key: MakeKey, revoke: Callable[[str], None]
) -> None:
    secret = make_key("gone")
    revoke("gone")
    problem(start(guarded, bearer(secret), channel="text"), 401, "not_authenticated")


def test_key_when_it_has_a_limit_then_the_limit_is_its_own(
    guarded: FlaskClient, make_key: MakeKey
) -> None:
    small = bearer(make_key("small", limits=Limits(live=1)))
    started(guarded, small, channel="text")
    problem(start(guarded, small, channel="text"), 429, "limit_reached")
    started(guarded, bearer(make_key("large")), channel="text")


def test_session_token_when_it_looks_then_nothing_of_the_machines_is_shown(
    guarded: FlaskClient, make_key: MakeKey, actor: Actor
) -> None:
    key = bearer(make_key())
    answer = start(guarded, key).get_json()
    session_id = answer["sessionId"]
    actor.claim(session_id)
    actor.store.begin_ending(session_id, Reason.AGENT_ERROR, detail="No way to 10.1.2.3.")
    path = f"/orchestrator/session/{session_id}"
    shown = guarded.get(path, headers=key).text
    assert all(what in shown for what in ("sessions@test", '"host":"host"', "10.1.2.3"))
    shown = guarded.get(path, headers=bearer(answer["token"])).text
    assert not any(what in shown for what in ("sessions@test", '"host":"host"', "10.1.2.3"))
    assert '"reason":"agent_error"' in shown


def test_session_token_when_used_then_it_reaches_that_session_only(
    guarded: FlaskClient, make_key: MakeKey
) -> None:
    key = bearer(make_key())
    answer = start(guarded, key, channel="text", correlationToken="name").get_json()
    other_id = started(guarded, key, channel="text", correlationToken="other")
    token = bearer(answer["token"])
    for reference in (answer["sessionId"], "name"):
        path = f"/orchestrator/session/{reference}"
        assert guarded.get(path, headers=token).get_json()["sessionId"] == answer["sessionId"]
        assert guarded.get(f"{path}/events", headers=token).status_code == 200
    path = f"/orchestrator/session/{other_id}"
    problem(guarded.get(path, headers=token), 404, "unknown_session")
    problem(end(guarded, other_id, token), 404, "unknown_session")
    problem(end(guarded, "other", token), 400, "invalid_session_id")
    problem(start(guarded, token, channel="text"), 403, "not_allowed")
    problem(guarded.get("/orchestrator/sessions", headers=token), 403, "not_allowed")
    assert end(guarded, "name", token).status_code == 200


def test_exposure_when_development_binds_more_than_loopback_then_refused(
    make_settings: MakeSettings,
) -> None:
    for host in ("127.0.0.1", "localhost", "::1", "127.8.8.8"):
        create_app(make_settings(host=host))
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.com"):
        with pytest.raises(ConfigurationError, match="SWITCHBOARD_MODE=production"):
            create_app(make_settings(host=host))


def test_exposure_when_production_has_no_key_then_refused(production: Settings) -> None:
    keys = ApiKeys(open_database(production.database_url))
    with pytest.raises(ConfigurationError, match="switchboard keys create"):
        check_exposure(production, keys)
    key, _ = keys.create("first")
    check_exposure(production, keys)
    keys.revoke(key.id)
    with pytest.raises(ConfigurationError, match="switchboard keys create"):
        check_exposure(production, keys)


def test_exposure_when_production_has_the_development_secret_then_refused(
    make_settings: MakeSettings,
) -> None:
    settings = make_settings(mode="production")
    with pytest.raises(ConfigurationError, match="SWITCHBOARD_LIVEKIT_API_SECRET"):
        create_app(settings)


def test_exposure_when_the_database_has_no_tables_then_it_says_what_to_do(
    make_settings: MakeSettings, production: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    empty = f"sqlite:///{tmp_path_factory.mktemp('empty') / 'x.db'}"
    settings = production.model_copy(update={"database_url": empty})
    with pytest.raises(ConfigurationError, match="switchboard migrate"):
        create_app(settings)
