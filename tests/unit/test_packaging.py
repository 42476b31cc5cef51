"""What leaves this repository is whole: the wheel, the lock files, the way CI runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.processes import ROOT

PACKAGES = ("agents", "inference", "orchestrator", "sessions", "workers")
NEEDED = {
    "agents/knowledge/sample/warranty.pdf",
    "celeryconfig.py",
    "inference/voices.toml",
    "sessions/lua/claim.lua",
    "sessions/migrations/env.py",
    "sessions/voices.toml",
}
ELSEWHERE = re.compile(r"://|^\s*[./~]|^-|\s@\s|/(?:home|root|tmp|work)/", re.MULTILINE)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [path] = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def sources() -> set[str]:
    """Return every file below the packages, but for what Python makes of them."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*"))
    return {
        str(path.relative_to(ROOT))
        for path in found
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_wheel_when_built_then_holds_all_that_is_needed_at_run_time(wheel: set[str]) -> None:
    assert wheel >= NEEDED
    assert sources() - wheel == set()


def test_wheel_when_built_then_holds_nothing_else(wheel: set[str]) -> None:
    allowed = {*PACKAGES, "celeryconfig.py"}
    tops = {name.partition("/")[0] for name in wheel}
    assert {top for top in tops - allowed if not top.endswith(".dist-info")} == set()


@pytest.mark.parametrize("name", ["app", "dev", "inference"])
def test_lock_file_when_read_then_names_no_address_and_no_path(name: str) -> None:
    text = (ROOT / f"requirements/{name}.txt").read_text()
    pins = "\n".join(
        line for line in text.splitlines() if not line.lstrip().startswith(("#", "--hash=sha256:"))
    )
    assert re.search(r"^\S+==\S+", pins, re.MULTILINE)
    assert ELSEWHERE.search(pins) is None
    assert "://" not in text


def test_ci_when_run_then_makes_test() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert Path(script).read_text().splitlines()[-1] == "exec make test"
