"""`switchboard doctor`: names every part that is not well, and says what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner
from redis import Redis

from orchestrator.cli import main
from sessions.fleet import WorkerRecord
from sessions.settings import Settings
from tests.fixtures.livekit import LiveKit
from tests.fixtures.redis import MakeSettings
from tests.support.ports import free_port
from tests.support.settings import environment_of

PARTS = (
    "python", "access", "agents", "ports", "redis", "clocks", "database", "livekit", "inference",
    "providers", "hearing", "speech", "thinking", "embeddings", "web",
    "session worker", "upkeep worker", "beat", "flower",
)  # fmt: skip


def examine(settings: Settings) -> tuple[int, dict[str, Mapping[str, str]]]:
    """Return the doctor's exit code and findings, by the name of the part."""
    result = CliRunner(env=environment_of(settings)).invoke(main, ["doctor", "--json"])
    answer = json.loads(result.stdout)
    assert answer["ok"] == (result.exit_code == 0)
    return result.exit_code, {check["name"]: check for check in answer["checks"]}


@contextmanager
def answering(status: int, body: str = "{}") -> Iterator[int]:
    """Serve one answer to everything; yields the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def deserted(make_settings: MakeSettings, tmp_path: Path) -> Settings:
    """Settings of a house in which nothing runs."""
    port = free_port()
    return make_settings(
        port=port,
        flower_port=port,
        host="0.0.0.0",
        redis_url=f"redis://127.0.0.1:{free_port()}/0",
        database_url=f"sqlite:///{tmp_path}/empty.db",
        livekit_url=f"ws://127.0.0.1:{free_port()}",
        inference_url=f"http://127.0.0.1:{free_port()}/v1",
    )


def test_doctor_when_nothing_runs_then_names_every_broken_part(deserted: Settings) -> None:
    code, found = examine(deserted)
    assert code == 1
    assert tuple(found) == PARTS
    verdicts = {name: check["verdict"] for name, check in found.items()}
    assert {verdicts.pop(name) for name in ("python", "agents", "providers", "thinking")} == {"ok"}
    assert verdicts.pop("flower") == "warning"
    assert set(verdicts.values()) == {"broken"}
    assert not [c for c in found.values() if c["detail"].startswith("The check itself failed")]


def test_doctor_when_an_agent_is_named_wrongly_then_says_so(deserted: Settings) -> None:
    _, found = examine(deserted.model_copy(update={"agents": ["shop=my.shop:make"]}))
    assert found["agents"]["detail"] == (
        "A session can name assistant, shop; the default is assistant."
    )
    _, found = examine(deserted.model_copy(update={"agents": ["shop"]}))
    assert found["agents"]["verdict"] == "broken"
    assert found["agents"]["detail"].startswith("SWITCHBOARD_AGENTS has the entry 'shop'")


def test_doctor_when_read_by_people_then_each_part_has_a_line(deserted: Settings) -> None:
    result = CliRunner(env=environment_of(deserted)).invoke(main, ["doctor"])
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert len(lines) == len(PARTS)
    for name, line in zip(PARTS, lines, strict=True):
        assert line[8:].startswith(name)


def test_doctor_when_only_the_stores_run_then_those_are_well(
    settings: Settings, alive_worker: WorkerRecord
) -> None:
    _, found = examine(settings)
    for name in ("python", "access", "ports", "redis", "clocks", "database"):
        assert found[name]["verdict"] == "ok", found[name]


def test_doctor_when_a_worker_is_of_another_version_then_warns(
    settings: Settings, alive_worker: WorkerRecord
) -> None:
    _, found = examine(settings)
    assert found["session worker"]["verdict"] == "warning"
    assert "1 alive, 3 of 3 slots free; some run version 0" in found["session worker"]["detail"]


def test_doctor_when_redis_evicts_then_says_so(settings: Settings, redis: Redis) -> None:
    redis.config_set("maxmemory-policy", "volatile-lru")
    try:
        _, found = examine(settings)
    finally:
        redis.config_set("maxmemory-policy", "noeviction")
    assert found["redis"]["verdict"] == "warning"
    assert "volatile-lru" in found["redis"]["detail"]


def test_doctor_when_redis_keeps_nothing_then_says_so(settings: Settings, redis: Redis) -> None:
    redis.config_set("appendonly", "no")
    try:
        _, found = examine(settings)
    finally:
        redis.config_set("appendonly", "yes")
    assert found["redis"]["verdict"] == "warning"
    assert "appendonly" in found["redis"]["detail"]


def test_doctor_when_livekit_runs_then_it_is_well(
    make_settings: MakeSettings, livekit: LiveKit
) -> None:
    _, found = examine(make_settings(livekit_url=livekit.url))
    assert found["livekit"]["verdict"] == "ok", found["livekit"]


def test_doctor_when_livekit_has_another_secret_then_names_the_setting(
    make_settings: MakeSettings, livekit: LiveKit
) -> None:
    wrong = make_settings(livekit_url=livekit.url, livekit_api_secret="x" * 40)
    _, found = examine(wrong)
    assert found["livekit"]["verdict"] == "broken"
    assert "SWITCHBOARD_LIVEKIT_API_KEY" in found["livekit"]["detail"]


@pytest.mark.parametrize(
    ("status", "verdict", "word"),
    [(401, "ok", "asks"), (200, "broken", "open to anybody"), (404, "warning", "Something else")],
)
def test_doctor_when_flower_answers_then_judges_whom_it_lets_in(
    make_settings: MakeSettings, status: int, verdict: str, word: str
) -> None:
    with answering(status) as port:
        _, found = examine(make_settings(flower_port=port))
    assert found["flower"]["verdict"] == verdict
    assert word in found["flower"]["detail"]


def test_doctor_when_something_else_has_the_port_then_says_so(make_settings: MakeSettings) -> None:
    with answering(200, "<html>") as port:
        _, found = examine(make_settings(port=port))
    assert found["web"]["verdict"] == "broken"
    assert "Something else answers" in found["web"]["detail"]
