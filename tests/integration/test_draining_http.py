"""A worker that drains is alive, and yet no capacity: over HTTP everybody sees both."""

from __future__ import annotations

from dataclasses import replace

from flask.testing import FlaskClient
from redis import Redis

from sessions.fleet import Fleet, WorkerRecord
from sessions.settings import Settings

START = "/orchestrator/session/start"


def _session_worker(client: FlaskClient) -> tuple[bool, str]:
    [found] = [
        check
        for check in client.get("/ready").get_json()["checks"]
        if check["name"] == "session worker"
    ]
    return found["ok"], found["detail"]


def test_start_when_the_only_worker_drains_then_is_refused_and_says_when_to_retry(
    client: FlaskClient, redis: Redis, settings: Settings, alive_worker: WorkerRecord
) -> None:
    fleet = Fleet(redis, settings)
    fleet.report(replace(alive_worker, draining=True))
    refused = client.post(START, json={"userName": "Ann"})
    assert refused.status_code == 503
    assert refused.get_json()["code"] == "no_capacity"
    assert int(refused.headers["Retry-After"]) > 0
    fleet.report(replace(alive_worker, name="sessions@new"))
    assert client.post(START, json={"userName": "Ann"}).status_code == 201


def test_ready_when_workers_drain_then_they_are_counted_apart(
    client: FlaskClient, redis: Redis, settings: Settings, alive_worker: WorkerRecord
) -> None:
    fleet = Fleet(redis, settings)
    fleet.report(replace(alive_worker, name="sessions@old", draining=True))
    assert _session_worker(client) == (True, "1 alive, 3 of 3 slots free. 1 draining.")
    fleet.leave(alive_worker.name)
    ok, detail = _session_worker(client)
    assert not ok
    assert detail.startswith("No session worker is alive that takes calls. 1 draining.")


def test_metrics_when_a_worker_drains_then_it_says_so(
    client: FlaskClient, redis: Redis, settings: Settings, alive_worker: WorkerRecord
) -> None:
    fleet = Fleet(redis, settings)
    fleet.report(replace(alive_worker, name="sessions@old", draining=True))
    lines = client.get("/metrics").text.splitlines()
    assert 'switchboard_worker_draining{worker="sessions@old"} 1.0' in lines
    assert f'switchboard_worker_draining{{worker="{alive_worker.name}"}} 0.0' in lines
