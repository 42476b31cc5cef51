"""Who may follow a session where everybody needs a key or a token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.access import tokens
from sessions.apikeys import ApiKeys
from sessions.database import open_database
from sessions.directory import Directory
from tests.fixtures.web import ServeWeb, Web
from tests.support.sessions import Actor
from tests.support.sockets import Client, follow, refusal

SECRET = "a secret that only these tests know, 0123456789"


@pytest.fixture(scope="module")
def guarded(serve_web: ServeWeb, migrated_database: Path, tmp_path_factory) -> Iterator[Web]:
    """The web front in production mode, where everybody needs a key or a token."""
    database = tmp_path_factory.mktemp("guarded") / "switchboard.db"
    database.write_bytes(migrated_database.read_bytes())
    url = f"sqlite:///{database}"
    engine = open_database(url)
    ApiKeys(engine).create("first")
    engine.dispose()
    with serve_web(mode="production", livekit_api_secret=SECRET, database_url=url) as served:
        yield served


def key_of(web: Web, name: str, *, admin: bool = False) -> tuple[str, str]:
    """Make an API key; return its scope and its secret."""
    engine = open_database(web.settings.database_url)
    key, secret = ApiKeys(engine).create(name, admin=admin)
    engine.dispose()
    return key.id, secret


def test_who_may_follow_a_session(guarded: Web, actor: Actor, directory: Directory) -> None:
    scope, key = key_of(guarded, "owner")
    _, strange_key = key_of(guarded, "stranger")
    _, admin_key = key_of(guarded, "admin", admin=True)
    own, other = actor.ready(scope=scope), actor.ready(scope=scope, user="Bob")
    session = directory.load(own)
    assert session is not None
    token = tokens.sign(session, guarded.settings)

    for bearer in (key, admin_key, token):
        with follow(guarded.ws_url, own, access_token=bearer) as client:
            assert client.confirmed()["data"]["session_id"] == own
        client = Client(f"{guarded.ws_url}/{own}", header=[f"Authorization: Bearer {bearer}"])
        assert client.confirmed()["data"]["session_id"] == own
        client.cut()
    assert refusal(guarded.ws_url, own)[0] == 401
    assert refusal(guarded.ws_url, own, access_token=strange_key)[0] == 404
    assert refusal(guarded.ws_url, other, access_token=token)[0] == 404


def test_tokens_do_not_reach_the_log(guarded: Web, actor: Actor) -> None:
    scope, key = key_of(guarded, "quiet")
    with follow(guarded.ws_url, actor.text(scope=scope), access_token=key) as client:
        client.confirmed()
    assert key not in guarded.child.log.read_text()
    assert json.loads(guarded.child.log.read_text().splitlines()[0])


def test_page_when_of_a_foreign_origin_then_may_not_open_a_socket(web: Web, actor: Actor) -> None:
    session = actor.ready()
    foreign = refusal(web.ws_url, session, origin="https://elsewhere.example")
    assert (foreign[0], foreign[1]["code"]) == (403, "not_allowed")
    for origin in (web.url, "http://localhost:3000"):
        client = Client(f"{web.ws_url}/{session}", origin=origin)
        assert client.confirmed()["data"]["session_id"] == session
        client.cut()
