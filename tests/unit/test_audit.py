"""The audit of dependencies fails on a hole, and never claims what it has not looked at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT

HOLE = {"id": "PYSEC-1", "fix_versions": ["2.0"]}
FINE = {"name": "fine", "version": "1.0", "vulns": []}
HOLED = {"name": "holed", "version": "1.0", "vulns": [HOLE]}
UNKNOWN = {"name": "unknown", "skip_reason": "Dependency not found"}


def _audit(folder: Path, output: str) -> subprocess.CompletedProcess[str]:
    """Run the audit with a pip-audit that prints ``output``."""
    tool = folder / "pip-audit"
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\n")
    tool.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run(
        [sys.executable, str(ROOT / "deploy/dev/audit.py"), "lock.txt"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("found", "status", "said"),
    [
        ([FINE, HOLED], 1, "holed 1.0: PYSEC-1, fixed in 2.0"),
        ([FINE, UNKNOWN], 0, "1 of 2 packages audited, 0 known holes"),
        ([UNKNOWN], 0, "NOT AUDITED"),
        ([], 0, "NOT AUDITED"),
    ],
    ids=["hole", "part", "none known", "empty"],
)
def test_audit_when_it_has_an_answer_then_says_what_it_is_worth(
    tmp_path: Path, found: list[dict[str, object]], status: int, said: str
) -> None:
    done = _audit(tmp_path, json.dumps({"dependencies": found}))
    assert (done.returncode, said in done.stdout + done.stderr) == (status, True), done


def test_audit_when_nobody_answers_then_says_so(tmp_path: Path) -> None:
    done = _audit(tmp_path, "")
    assert done.returncode == 0
    assert "NOT AUDITED" in done.stderr
