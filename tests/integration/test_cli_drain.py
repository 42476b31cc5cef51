"""`switchboard drain`: a worker is sent home, and whoever sends it sees how far it has got."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from click.testing import CliRunner
from redis import Redis

from orchestrator.cli import main
from sessions import keys
from sessions.fleet import Fleet, WorkerRecord
from sessions.settings import Settings
from tests.fixtures.redis import MakeSettings
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.settings import environment_of


@contextmanager
def played_by(fleet: Fleet, record: WorkerRecord, scenes: list[WorkerRecord]) -> Iterator[None]:
    """Have somebody play the worker: it does as it is asked, scene by scene, and leaves."""

    def play() -> None:
        eventually(lambda: fleet.is_asked_to_drain(record.name, record.started), 20, "it is asked")
        for scene in scenes:
            fleet.report(scene)
            threading.Event().wait(0.7)
        fleet.leave(record.name)

    player = threading.Thread(target=play)
    player.start()
    try:
        yield
    finally:
        player.join()


def test_drain_when_the_worker_hands_its_calls_over_then_tells_each_step_and_returns(
    settings: Settings, redis: Redis, alive_worker: WorkerRecord
) -> None:
    fleet = Fleet(redis, settings)
    worker = replace(alive_worker, busy=2, started=77)
    fleet.report(worker)
    waits = "No other worker has a slot free for 1 call."
    scenes = [
        replace(worker, draining=True),
        replace(worker, draining=True, busy=1, waits_for=waits),
        replace(worker, draining=True, busy=0),
    ]
    with played_by(fleet, worker, scenes):
        result = CliRunner(env=environment_of(settings)).invoke(main, ["drain", worker.name])
    assert result.exit_code == 0, result.output
    name = worker.name
    assert result.stdout.splitlines() == [
        f"{name} drains: 2 calls left.",
        f"{name} drains: 1 call left. {waits}",
        f"{name} drains: 0 calls left.",
        f"{name} has gone.",
    ]


def test_drain_when_not_waiting_then_asks_and_returns(
    settings: Settings, redis: Redis, alive_worker: WorkerRecord
) -> None:
    runner = CliRunner(env=environment_of(settings))
    result = runner.invoke(main, ["drain", alive_worker.name, "--no-wait"])
    assert result.exit_code == 0
    assert "has been asked to drain: 0 calls left" in result.stdout
    fleet = Fleet(redis, settings)
    assert fleet.is_asked_to_drain(alive_worker.name, alive_worker.started)
    # A worker that is started under that name later is another one.
    assert not fleet.is_asked_to_drain(alive_worker.name, alive_worker.started + 1)
    assert redis.pttl(keys.worker(alive_worker.name)) > 0


def test_drain_when_a_later_worker_has_the_name_then_the_one_asked_has_gone(
    settings: Settings, redis: Redis, alive_worker: WorkerRecord
) -> None:
    fleet = Fleet(redis, settings)
    with played_by(fleet, alive_worker, [replace(alive_worker, started=5, pid=2)]):
        runner = CliRunner(env=environment_of(settings))
        result = runner.invoke(main, ["drain", alive_worker.name])
    assert result.stdout.splitlines() == [f"{alive_worker.name} has gone."]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("session@tset", "Alive: sessions@test."), ("what", "Alive: sessions@test.")],
)
def test_drain_when_there_is_no_such_worker_then_names_those_there_are(
    settings: Settings, alive_worker: WorkerRecord, name: str, hint: str
) -> None:
    result = CliRunner(env=environment_of(settings)).invoke(main, ["drain", name])
    assert result.exit_code == 1
    assert f"no session worker called {name}" in result.stderr
    assert hint in result.stderr


def test_drain_when_no_worker_is_alive_then_says_so(settings: Settings, redis: Redis) -> None:
    result = CliRunner(env=environment_of(settings)).invoke(main, ["drain", "sessions@a"])
    assert result.exit_code == 1
    assert "None is alive." in result.stderr


def test_drain_when_the_worker_does_not_know_how_then_says_what_to_do(
    make_settings: MakeSettings, redis: Redis, alive_worker: WorkerRecord
) -> None:
    impatient = make_settings(worker_heartbeat_seconds=0.1)
    runner = CliRunner(env=environment_of(impatient))
    result = runner.invoke(main, ["drain", alive_worker.name])
    assert result.exit_code == 1
    assert "does not drain" in result.stderr
    assert "SIGTERM" in result.stderr


def test_drain_when_redis_is_away_then_says_so(make_settings: MakeSettings) -> None:
    away = make_settings(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    result = CliRunner(env=environment_of(away)).invoke(main, ["drain", "sessions@a"])
    assert result.exit_code == 1
    assert "is Switchboard running?" in result.stderr


def test_workers_when_one_drains_then_shows_it_and_what_it_waits_for(
    settings: Settings, redis: Redis, alive_worker: WorkerRecord
) -> None:
    waits = "No other worker has a slot free for 1 call."
    record = replace(alive_worker, busy=1, draining=True, waits_for=waits, drain_ends=2**42)
    Fleet(redis, settings).report(record)
    shown = CliRunner(env=environment_of(settings)).invoke(main, ["workers"]).stdout
    assert shown.splitlines()[1].split()[:4] == [record.name, "3", "1", "draining"]
    assert f"{record.name}: {waits}" in shown
