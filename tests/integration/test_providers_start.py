"""No process of the house starts with providers that cannot work: it ends with one sentence."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import ROOT
from tests.support.settings import environment_of, settings_with

PLUGINS = ROOT / "tests" / "support" / "plugins"
CELERY = ["celery", "-A", "workers.app", "worker"]
PROCESSES = {
    "session worker": [*CELERY, "-Q", "sessions", "-n", "sessions@start"],
    "answers worker": [*CELERY, "-Q", "upkeep,answers", "-P", "threads", "-n", "upkeep@start"],
    "web front": [
        "gunicorn",
        "-c",
        "orchestrator/gunicorn.conf.py",
        "orchestrator.app:create_app()",
    ],
    "bridge": ["switchboard", "bridge"],
}
NOT_INSTALLED = (
    "SWITCHBOARD_LLM_PLUGIN is 'nobody', which is not installed: install livekit-plugins-nobody."
)


def last_words(process: str, tmp_path: Path, **values: object) -> list[str]:
    """Start a process that must not, and return what it says of it, line by line."""
    settings = settings_with(database_url=f"sqlite:///{tmp_path}/none.db", **values)
    environment = {**os.environ, **environment_of(settings), "PYTHONPATH": str(PLUGINS)}
    done = subprocess.run(
        PROCESSES[process],
        cwd=ROOT,
        env={**environment, "SCRIPTED_URL": "http://127.0.0.1:9/v1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode not in (0, -15), done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    return [*done.stdout.splitlines(), *done.stderr.splitlines()]


@pytest.mark.parametrize("process", PROCESSES)
def test_start_when_a_plugin_is_not_installed_then_ends_with_one_sentence(
    process: str, tmp_path: Path
) -> None:
    said = last_words(process, tmp_path, llm_plugin="nobody")
    assert any(line.endswith(NOT_INSTALLED) for line in said), said


def test_worker_when_a_plugin_lacks_its_key_then_ends_with_the_settings_name(
    tmp_path: Path,
) -> None:
    said = last_words("session worker", tmp_path, llm_plugin="scripted")
    assert said[-1].startswith("SWITCHBOARD_LLM_PLUGIN is scripted, which refuses its settings")
    assert "an API key is needed" in said[-1]
    assert "Its key is SWITCHBOARD_LLM_KEY" in said[-1]


def test_worker_when_the_voices_have_no_such_column_then_ends_with_their_names(
    tmp_path: Path,
) -> None:
    url = "http://127.0.0.1:9/v1"
    said = last_words(
        "session worker", tmp_path, tts_url=url, tts_model="m", tts_provider="no such column"
    )
    assert "has no 'no such column' name for Ashley, Craig" in said[-1]
