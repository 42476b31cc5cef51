"""The command line explains itself at once, and says in a sentence what it cannot do."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest
from click.testing import CliRunner

from orchestrator.cli import main

SLOW = ("celery", "flask", "httpx", "livekit", "numpy", "pydantic", "redis", "rich", "sqlalchemy")


def test_import_when_nothing_is_asked_yet_then_loads_nothing_slow() -> None:
    program = f"import sys, orchestrator.cli; print(*(m for m in {SLOW} if m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert loaded.stdout.decode().split() == []


def test_help_when_asked_then_names_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for command in main.commands:
        assert f"\n  {command} " in result.stdout


@pytest.mark.parametrize("command", sorted(main.commands))
def test_help_of_a_command_when_asked_then_is_there(command: str) -> None:
    assert CliRunner().invoke(main, [command, "--help"]).exit_code == 0


def test_version_when_asked_of_the_installed_script_then_prints_it() -> None:
    printed = subprocess.run(["switchboard", "--version"], capture_output=True, check=True)
    assert version("switchboard-voice") in printed.stdout.decode()


def test_a_wrong_setting_when_a_command_reads_it_then_names_it_without_its_value() -> None:
    env = {"SWITCHBOARD_PORT": "a secret", "SWITCHBOARD_LIVEKIT_API_SECRET": "short secret"}
    result = CliRunner(env=env).invoke(main, ["sessions"])
    assert result.exit_code == 1
    assert "SWITCHBOARD_PORT: " in result.stderr
    assert "SWITCHBOARD_LIVEKIT_API_SECRET: " in result.stderr
    assert "a secret" not in result.output
    assert "short secret" not in result.output
