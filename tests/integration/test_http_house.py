"""The house as others see it: its voices, its health, its figures, its description."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psutil
import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from orchestrator.app import create_app
from sessions.counters import Drift, count_drift
from sessions.fleet import Fleet, WorkerRecord
from sessions.keys import BEAT_LOCK, DEADLINES, REAPED
from sessions.questions.attendance import Attendance
from sessions.settings import Settings
from tests.fixtures.http import MakeKey
from tests.fixtures.redis import MakeSettings
from tests.fixtures.web import ServeWeb
from tests.support import loopback
from tests.support.http import START, start, started
from tests.support.ports import free_port
from tests.support.processes import ROOT


def test_voices_when_asked_then_the_catalogue_is_told(client: FlaskClient) -> None:
    voices = client.get("/orchestrator/voices").get_json()["voices"]
    assert [voice["name"] for voice in voices] == [
        "Ashley",
        "Craig",
        "Edward",
        "Olivia",
        "Wendy",
        "Priya",
    ]
    assert [voice["name"] for voice in voices if voice["default"]] == ["Ashley"]


class _Yes(BaseHTTPRequestHandler):
    """Answers every GET with 200."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def _anything_goes() -> Iterator[str]:
    """Serve a stand-in for livekit-server and the model server; yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Yes) as server:
        Thread(target=server.serve_forever).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def _checks(client: FlaskClient) -> dict[str, tuple[bool, str]]:
    answer = client.get("/ready").get_json()
    checks = {check["name"]: (check["ok"], check["detail"]) for check in answer["checks"]}
    assert answer["missing"] == [name for name, (ok, _) in checks.items() if not ok]
    return checks


@pytest.mark.usefixtures("redis", "broker")
def test_ready_when_parts_are_missing_then_each_says_what_to_do(
    make_settings: MakeSettings,
) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    settings = make_settings(livekit_url=f"ws://{nowhere}", inference_url=f"http://{nowhere}/v1")
    client = create_app(settings).test_client()
    assert client.get("/ready").status_code == 503
    checks = _checks(client)
    assert [name for name, (ok, _) in checks.items() if ok] == [
        "redis",
        "database",
        "upkeep worker",
    ]
    assert "celery -A workers.app worker" in checks["session worker"][1]
    assert "the queue `answers`" in checks["answers worker"][1]
    assert "SWITCHBOARD_LIVEKIT_URL" in checks["livekit"][1]
    assert "SWITCHBOARD_INFERENCE_URL" in checks["inference"][1]


@pytest.mark.usefixtures("alive_worker")
def test_ready_when_nothing_is_missing_then_200(make_settings: MakeSettings, redis: Redis) -> None:
    Attendance(redis, make_settings()).attend("upkeep@test")
    redis.set(BEAT_LOCK, "token")
    redis.set(REAPED, time.time_ns() // 1_000_000)
    with _anything_goes() as address:
        settings = make_settings(
            livekit_url=f"ws://{address}", inference_url=f"http://{address}/v1"
        )
        response = create_app(settings).test_client().get("/ready")
    assert response.status_code == 200, response.text
    assert response.get_json()["ready"]


def test_ready_when_sessions_are_overdue_then_upkeep_is_missing(
    client: FlaskClient, redis: Redis
) -> None:
    redis.zadd(DEADLINES, {"session_1753590741399_qlgq6cfjw": 1})
    assert not _checks(client)["upkeep worker"][0]


def test_ready_when_beat_has_died_then_it_says_so_and_nobody_else_is_blamed(
    client: FlaskClient, redis: Redis
) -> None:
    redis.set(REAPED, 1)
    checks = _checks(client)
    assert "celery -A workers.app beat" in checks["beat"][1]
    assert not checks["beat"][0]
    assert checks["upkeep worker"][0]


def test_ready_when_beat_ticks_and_nobody_reaps_then_upkeep_is_missing(
    client: FlaskClient, redis: Redis
) -> None:
    redis.set(BEAT_LOCK, "token")
    checks = _checks(client)
    assert checks["beat"][0]
    assert "Start a worker for the queue `upkeep`" in checks["upkeep worker"][1]


def test_ready_when_the_schema_is_old_then_it_says_to_migrate(
    settings: Settings, redis: Redis, tmp_path_factory: pytest.TempPathFactory
) -> None:
    empty = f"sqlite:///{tmp_path_factory.mktemp('empty') / 'x.db'}"
    client = create_app(settings.model_copy(update={"database_url": empty})).test_client()
    assert "switchboard migrate" in _checks(client)["database"][1]


def _figures(text: str) -> dict[str, float]:
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_when_something_goes_on_then_the_figures_tell(
    client: FlaskClient, alive_worker: WorkerRecord
) -> None:
    started(client)
    started(client, channel="text")
    client.get("/nowhere")
    figures = _figures(client.get("/metrics").text)
    assert figures["switchboard_redis_up[]"] == 1
    assert figures["switchboard_sessions[('state', 'queued')]"] == 1
    assert figures["switchboard_sessions[('state', 'ready')]"] == 1
    assert figures["switchboard_sessions_live[]"] == 2
    assert figures["switchboard_queue_length[]"] == 1
    assert figures[f"switchboard_worker_slots[('worker', '{alive_worker.name}')]"] == 3
    labels = [("method", "POST"), ("route", START), ("status", "201")]
    assert figures[f"switchboard_http_requests_total{labels}"] == 2
    labels = [("method", "GET"), ("route", "unmatched"), ("status", "404")]
    assert figures[f"switchboard_http_requests_total{labels}"] == 1


def test_metrics_when_drift_was_mended_then_it_is_counted_by_kind(
    client: FlaskClient, redis: Redis
) -> None:
    for kind in (Drift.ROOM_WITHOUT_SESSION, Drift.ROOM_WITHOUT_SESSION, Drift.KEY_WITHOUT_TTL):
        count_drift(redis, kind)
    figures = _figures(client.get("/metrics").text)
    assert figures["switchboard_drift_mended_total[('kind', 'room_without_session')]"] == 2
    assert figures["switchboard_drift_mended_total[('kind', 'key_without_ttl')]"] == 1
    assert figures["switchboard_drift_mended_total[('kind', 'two_agents')]"] == 0


def test_metrics_when_two_processes_serve_then_their_figures_add_up(serve_web: ServeWeb) -> None:
    with serve_web(web_workers=2) as web, ThreadPoolExecutor(8) as callers:
        asked = 0
        while not all(_has_counted(pid, "/health") for pid in web.worker_pids()):
            # A connection each, so that both processes get some.
            list(callers.map(lambda _: loopback.get(f"{web.url}/health"), range(16)))
            asked += 16
        figures = _figures(loopback.get(f"{web.url}/metrics").text)
    labels = [("method", "GET"), ("route", "/health"), ("status", "200")]
    assert figures[f"switchboard_http_requests_total{labels}"] == asked
    labels = [("method", "GET"), ("route", "/health")]
    assert figures[f"switchboard_http_request_seconds_count{labels}"] == asked


def _has_counted(pid: int, route: str) -> bool:
    """Tell whether this web process has counted a request of a route."""
    maps = {Path(found.path) for found in psutil.Process(pid).memory_maps()}
    counters = [path for path in maps if path.name == f"counter_{pid}.db"]
    return any(route.encode() in path.read_bytes() for path in counters)


def test_document_when_checked_then_it_is_valid_openapi(app: Flask) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    schema.validate()
    paths = schema.raw_schema["paths"]
    assert set(paths) == {
        START,
        "/orchestrator/session/end",
        "/orchestrator/session/{sessionId}",
        "/orchestrator/session/{sessionId}/events",
        "/orchestrator/sessions",
        "/orchestrator/queue",
        "/orchestrator/voices",
        "/orchestrator/agents",
        "/orchestrator/knowledge",
        "/chat",
        "/chat/{correlationId}",
        "/listening/start",
        "/listening/stop",
        "/whip",
        "/whip/{sessionId}",
        "/livekit/webhook",
        "/dashboard/events",
        "/dashboard/sessions/{sessionId}",
        "/dashboard/sessions/{sessionId}/prompt",
        "/dashboard/archive",
        "/health",
        "/ready",
        "/metrics",
    }
    problems = {code for code in paths[START]["post"]["responses"] if code >= "400"}
    assert problems == {*["400", "401", "403", "409", "413", "415", "422", "429", "500", "503"]}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ["development", "production"])
def test_document_when_a_machine_tries_it_then_it_tells_the_truth(
    serve_web: ServeWeb, redis: Redis, production: Settings, make_key: MakeKey, mode: str
) -> None:
    own = {"mode": mode, "worker_lost_seconds": 600}
    if mode == "production":
        own |= {
            "database_url": production.database_url,
            "livekit_api_secret": production.livekit_api_secret,
        }
    key = ["--header", f"Authorization: Bearer {make_key()}"] if mode == "production" else []
    with serve_web(**own) as web:
        record = WorkerRecord("sessions@test", "test", 1, "boot", "0", 3, 0, 2**42)
        Fleet(redis, web.settings).report(record)
        config = ["--config-file", "tests/support/schemathesis.toml"]
        limits = ["--max-examples", "8", "--generation-deterministic"]
        done = subprocess.run(
            ["schemathesis", *config, "run", f"{web.url}/openapi.json", *limits, *key],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_docs_when_opened_then_every_part_comes_from_here(client: FlaskClient) -> None:
    page = client.get("/docs")
    assert page.content_type.startswith("text/html")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"].split("style-src")[0]
    parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(parts) == 4
    for part in parts:
        with client.get(part) as response:
            assert response.status_code == 200, part
            assert response.data


def test_answer_when_any_then_it_has_security_headers(client: FlaskClient) -> None:
    for response in (client.get("/health"), client.get("/nowhere")):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("mode_origins", "origin", "allowed"),
    [
        ("development", "http://localhost:5173", True),
        ("development", "https://127.0.0.1", True),
        ("development", "http://localhost.evil.example", False),
        ("development", "http://evil.example", False),
        ("settings", "https://app.example", True),
        ("settings", "https://app.example.evil", False),
    ],
)
def test_origin_when_a_page_calls_then_only_known_ones_may_read(
    make_settings: MakeSettings, redis: Redis, mode_origins: str, origin: str, allowed: bool
) -> None:
    origins = ["https://app.example"] if mode_origins == "settings" else []
    client = create_app(make_settings(cors_origins=origins)).test_client()
    response = start(client, {"Origin": origin}, channel="text")
    assert response.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
    if allowed:
        assert "X-Session-ID" in response.headers["Access-Control-Expose-Headers"]


def test_preflight_when_production_asks_for_keys_then_it_needs_none(
    guarded: FlaskClient, production: Settings
) -> None:
    client = create_app(
        production.model_copy(update={"cors_origins": ["https://app.example"]})
    ).test_client()
    headers = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-session-id",
    }
    response = client.options(START, headers=headers)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "authorization" in response.headers["Access-Control-Allow-Headers"].lower()
    guarded.get("/health")


def test_import_when_the_front_starts_then_no_agent_framework_comes_with_it() -> None:
    code = "import sys, orchestrator.app; print('livekit.agents' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "False"
