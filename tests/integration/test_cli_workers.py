"""`switchboard workers`: who takes calls, and how many more."""

from __future__ import annotations

import json

from click.testing import CliRunner
from redis import Redis

from orchestrator.cli import main
from sessions.fleet import WorkerRecord
from sessions.settings import Settings
from tests.fixtures.redis import MakeSettings
from tests.support.ports import free_port
from tests.support.settings import environment_of


def test_workers_when_one_is_alive_then_shows_its_slots(
    settings: Settings, alive_worker: WorkerRecord
) -> None:
    runner = CliRunner(env=environment_of(settings))
    headings, row = runner.invoke(main, ["workers"]).stdout.splitlines()
    assert headings.split()[:4] == ["WORKER", "SLOTS", "BUSY", "FREE"]
    assert row.split()[:4] == [alive_worker.name, "3", "0", "3"]
    [record] = json.loads(runner.invoke(main, ["workers", "--json"]).stdout)["workers"]
    assert record["name"] == alive_worker.name
    assert record["free"] == 3
    assert record["heartbeatAgeMs"] >= 0


def test_workers_when_there_are_none_then_says_so(settings: Settings, redis: Redis) -> None:
    result = CliRunner(env=environment_of(settings)).invoke(main, ["workers"])
    assert result.stdout.startswith("No session worker is alive.")


def test_workers_when_redis_is_away_then_says_so_without_its_password(
    make_settings: MakeSettings,
) -> None:
    away = make_settings(redis_url=f"redis://:hidden@127.0.0.1:{free_port()}/0")
    result = CliRunner(env=environment_of(away)).invoke(main, ["workers"])
    assert result.exit_code == 1
    assert "is Switchboard running?" in result.stderr
    assert "hidden" not in result.stderr
