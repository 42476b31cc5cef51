"""When Redis goes away: an honest and quick answer, nothing half-made, and no restart needed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from orchestrator.app import create_app
from sessions.connections import connect
from sessions.directory import Directory
from tests.fixtures.redis import MakeSettings, answers_ping
from tests.support.http import END, bearer, problem, start, started
from tests.support.ports import free_port
from tests.support.processes import ROOT, running

SOON = 2.0


class Switch:
    """A redis-server that a test turns off and on again; it keeps what it held."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._running = ExitStack()

    def on(self) -> None:
        environment = {
            "SWITCHBOARD_REDIS_PORT": str(self.port),
            "SWITCHBOARD_REDIS_DIR": str(self._folder),
        }
        self._running.enter_context(
            running(
                "redis",
                [ROOT / "deploy/dev/redis"],
                self._folder / "redis.log",
                lambda: answers_ping(self.url),
                environment=environment,
            )
        )

    def off(self) -> None:
        self._running.close()


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[Switch]:
    switch = Switch(tmp_path)
    yield switch
    switch.off()


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
    switch: Switch, make_settings: MakeSettings
) -> None:
    switch.on()
    settings = make_settings(redis_url=switch.url)
    client = create_app(settings).test_client()
    session_id = started(client, channel="text")
    switch.off()
    _all_of_it(client, session_id)
    assert client.get("/health").status_code == 200
    assert "redis" in client.get("/ready").get_json()["missing"]
    assert "switchboard_redis_up 0.0" in client.get("/metrics").text
    switch.on()
    after = started(client, channel="text")
    with connect(settings) as redis:
        assert after in Directory(redis).newest(None, None, 10)


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
