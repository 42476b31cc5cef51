"""How the web front is served: what it refuses, and what it leaves behind."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psutil

from sessions.settings import Settings
from tests.fixtures.redis import MakeSettings
from tests.fixtures.web import APP, ServeWeb, Web
from tests.support.ports import free_port
from tests.support.processes import ROOT
from tests.support.settings import environment_of

SECRET = "a secret that only these tests know, 0123456789"


def refused(settings: Settings, **variables: str) -> str:
    """Start gunicorn, which must give up by itself; return what it says."""
    finished = subprocess.run(
        ["gunicorn", "-c", "orchestrator/gunicorn.conf.py", APP],
        cwd=ROOT,
        env={**psutil.Process().environ(), **environment_of(settings), **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert finished.returncode == 1
    assert "Traceback" not in finished.stderr
    assert "Listening" not in finished.stderr
    return finished.stderr


def test_web_when_gunicorn_is_told_another_address_then_that_one_counts(
    make_settings: MakeSettings,
) -> None:
    bind = f"--bind 0.0.0.0:{free_port()}"
    said = refused(make_settings(port=free_port()), GUNICORN_CMD_ARGS=bind)
    assert "it does not bind 0.0.0.0." in said


def test_refuses_to_be_reached_from_outside_without_keys(make_settings: MakeSettings) -> None:
    said = refused(make_settings(host="0.0.0.0", port=free_port()))
    assert "Development mode asks for no key, so it does not bind 0.0.0.0." in said


def test_refuses_production_without_a_key(make_settings: MakeSettings) -> None:
    said = refused(make_settings(mode="production", livekit_api_secret=SECRET, port=free_port()))
    assert "Run `switchboard keys create NAME`." in said


def test_names_a_setting_that_is_wrong_and_no_secret(make_settings: MakeSettings) -> None:
    said = refused(
        make_settings(), SWITCHBOARD_PORT="many", SWITCHBOARD_LIVEKIT_API_SECRET="too-short"
    )
    assert "SWITCHBOARD_PORT: Input should be a valid integer" in said
    assert "SWITCHBOARD_LIVEKIT_API_SECRET" in said
    assert "too-short" not in said


def test_the_folder_of_the_metrics_goes_with_the_server(serve_web: ServeWeb) -> None:
    with serve_web() as web:
        said = web.child.log.read_text()
        folder = _metrics_folder(web)
        assert folder.is_dir()
        assert any(folder.iterdir())
    assert not folder.exists()
    assert "Traceback" not in said


def _metrics_folder(web: Web) -> Path:
    """Return the folder that the worker has its figures mapped from."""
    (pid,) = web.worker_pids()
    maps = {Path(found.path).parent for found in psutil.Process(pid).memory_maps()}
    (folder,) = {path for path in maps if path.name.startswith("switchboard-metrics-")}
    return folder
