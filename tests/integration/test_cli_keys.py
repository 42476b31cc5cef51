"""`switchboard keys`: a key is made, opens the house, is listed without its secret, and revoked."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from redis import Redis

from orchestrator.cli import main
from sessions.settings import Settings
from tests.fixtures.redis import MakeSettings
from tests.fixtures.web import ServeWeb
from tests.support.eventually import eventually
from tests.support.settings import environment_of

SECRET = "a secret of a test that has enough characters"


@pytest.fixture
def runner(settings: Settings) -> CliRunner:
    """Commands with a database of their own."""
    return CliRunner(env=environment_of(settings))


def make(runner: CliRunner, *arguments: str) -> dict[str, str]:
    result = runner.invoke(main, ["keys", "create", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_create_when_made_then_prints_the_secret_once(runner: CliRunner) -> None:
    made = runner.invoke(main, ["keys", "create", "Front desk"]).stdout
    secret = next(word for word in made.split() if word.startswith("sb_"))
    assert "it is not shown again" in made
    listed = runner.invoke(main, ["keys", "list"]).stdout
    assert "Front desk" in listed
    assert secret not in listed
    assert secret not in runner.invoke(main, ["keys", "list", "--json"]).stdout


def test_create_when_limits_are_given_then_the_key_has_them(runner: CliRunner) -> None:
    limits = ["--live", "3", "--live-per-user", "2", "--starts-per-minute", "60", "--priority", "0"]
    made = make(runner, "Desk", "--admin", *limits)
    assert made["admin"] is True
    assert made["limits"] == {
        "live": 3,
        "live_per_user": 2,
        "starts_per_minute": 60,
        "priority": 0,
    }


def test_create_when_the_name_is_empty_then_refuses(runner: CliRunner) -> None:
    assert runner.invoke(main, ["keys", "create", " "]).exit_code == 2


def test_list_when_there_are_none_then_says_how_to_make_one(runner: CliRunner) -> None:
    assert "keys create NAME" in runner.invoke(main, ["keys", "list"]).stdout


def test_revoke_when_the_id_is_nearly_right_then_names_the_nearest(runner: CliRunner) -> None:
    key_id = make(runner, "Desk")["id"]
    result = runner.invoke(main, ["keys", "revoke", key_id[:-1]])
    assert result.exit_code == 1
    assert f"did you mean {key_id}?" in result.stderr


def test_a_key_when_revoked_then_opens_the_house_no_longer(
    make_settings: MakeSettings, redis: Redis, serve_web: ServeWeb
) -> None:
    production = make_settings(mode="production", livekit_api_secret=SECRET)
    runner = CliRunner(env=environment_of(production))
    key = make(runner, "Desk", "--admin")
    with serve_web(
        mode="production",
        livekit_api_secret=SECRET,
        database_url=production.database_url,
    ) as web:
        command = ["sessions", "--url", web.url]
        assert runner.invoke(main, command).exit_code == 1
        assert runner.invoke(main, command, env={"SWITCHBOARD_KEY": key["secret"]}).exit_code == 0
        opened = [*command, "--key", key["secret"]]
        assert runner.invoke(main, opened).exit_code == 0
        assert runner.invoke(main, ["keys", "revoke", key["id"]]).exit_code == 0
        eventually(lambda: runner.invoke(main, opened).exit_code == 1, within=15)


def test_keys_when_the_database_is_not_migrated_then_says_what_to_run(
    make_settings: MakeSettings, tmp_path: object
) -> None:
    empty = make_settings(database_url=f"sqlite:///{tmp_path}/empty.db")
    result = CliRunner(env=environment_of(empty)).invoke(main, ["keys", "list"])
    assert result.exit_code == 1
    assert "`switchboard migrate`" in result.stderr
