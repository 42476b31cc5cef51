"""When Redis goes away: an honest and quick answer, nothing half-made, and no restart needed."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from flask.testing import FlaskClient
from redis import Redis

from orchestrator.app import create_app
from sessions.connections import connect
from sessions.directory import Directory
from tests.fixtures.redis import MakeSettings
from tests.support.http import END, bearer, end, problem, start, started
from tests.support.own_redis import OwnRedis

SOON = 2.0


def _all_of_it(client: FlaskClient, session_id: str) -> None:
    """Ask everything that needs Redis; each answer comes soon and says what is the matter."""
    for ask in (
        lambda: start(client, channel="text"),
        lambda: start(client, {"Prefer": "wait=5"}, channel="text"),
        lambda: client.post(END, json={"sessionId": session_id}),
        lambda: client.get(f"/orchestrator/session/{session_id}"),
        lambda: client.get(f"/orchestrator/session/{session_id}/events"),
        lambda: client.get("/orchestrator/sessions"),
    ):
        began = time.monotonic()
        response = ask()
        assert time.monotonic() - began < SOON
        problem(response, 503, "store_unavailable")
        assert response.headers["Retry-After"] == "1"


def test_store_when_it_goes_away_and_comes_back_then_so_do_the_answers(
    own_redis: OwnRedis, make_settings: MakeSettings
) -> None:
    own_redis.on()
    settings = make_settings(redis_url=own_redis.url)
    client = create_app(settings).test_client()
    session_id = started(client, channel="text")
    own_redis.off()
    _all_of_it(client, session_id)
    assert client.get("/health").status_code == 200
    assert "redis" in client.get("/ready").get_json()["missing"]
    assert "switchboard_redis_up 0.0" in client.get("/metrics").text
    own_redis.on()
    after = started(client, channel="text")
    with connect(settings) as redis:
        assert after in Directory(redis).newest(None, None, 10)


def test_store_when_it_is_full_then_nothing_starts_and_what_is_there_ends(
    client: FlaskClient, redis: Redis
) -> None:
    session_id = started(client, channel="text")
    redis.config_set("maxmemory", 1)
    try:
        problem(start(client, channel="text"), 503, "store_unavailable")
        assert end(client, session_id).get_json()["state"] == "ending"
    finally:
        redis.config_set("maxmemory", 0)


def test_store_when_it_is_there_and_says_nothing_then_503_comes_soon(
    make_settings: MakeSettings,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        client = create_app(make_settings(redis_url=url)).test_client()
        _all_of_it(client, "session_1753590741399_qlgq6cfjw")


def test_database_when_it_is_away_then_503(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings()
    client = create_app(settings).test_client()
    (tmp_path / "switchboard.db").write_bytes(b"")
    response = client.get("/orchestrator/voices", headers=bearer("sb_any"))
    problem(response, 503, "store_unavailable")
