"""How is what was measured shown: as a table, and as a document?"""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import psutil
from rich.table import Table

from bench.measuring import Row
from tests.support.processes import ROOT

_HEAD = ("figure", "ours", "contender", "ratio", "goal", "met")
_INTRODUCTION = (
    "Written by `python -m bench --save docs/benchmarks.md`; `make bench` only prints. Every "
    "contender runs in the same run, taking turns with ours. A row without a goal is there to "
    "understand the others."
)
_COLOURS = {True: "green", False: "red", None: None}


def table(rows: Sequence[Row]) -> Table:
    """Return the table for a terminal."""
    found = Table(title="Switchboard, measured")
    for name in _HEAD:
        found.add_column(name, no_wrap=name != "contender")
    for row in rows:
        found.add_row(*row.cells(), style=_COLOURS[row.met])
    return found


def document(results: Sequence[tuple[ModuleType, Sequence[Row]]]) -> str:
    """Return the document: table, machine, and how each figure is measured."""
    rows = [row for _, found in results for row in found]
    lines = [
        "# Benchmarks",
        "",
        _INTRODUCTION,
        "",
        _line(_HEAD),
        _line(["---"] * len(_HEAD)),
        *(_line(row.cells()) for row in rows),
        "",
        "## The run",
        "",
        *(f"- {name}: {value}" for name, value in _machine().items()),
        "",
        "## How each figure is measured",
        "",
    ]
    for module, found in results:
        names = dict.fromkeys(row.figure.partition(", ")[0] for row in found)
        lines += [f"**{'; '.join(names)}** (`--only {_short(module)}`). {module.HOW}", ""]
        lines += [f"{line}\n" for line in _missed(module, found)]
    return "\n".join(lines)


def _missed(module: ModuleType, found: Sequence[Row]) -> list[str]:
    needs = getattr(module, "MISSED", "")
    return [f"*Missed:* {needs}"] if needs and any(row.met is False for row in found) else []


def _machine() -> dict[str, str]:
    cpu = next(
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
        if line.startswith("model name")
    )
    packages = ("livekit", "livekit-agents", "celery", "redis", "gunicorn")
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": _output("git", "rev-parse", "--short", "HEAD"),
        "processor": f"{cpu}, {psutil.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {version(name)}" for name in packages),
        "livekit-server": _output(str(ROOT / ".local/bin/livekit-server"), "--version"),
        "load average at the end": "{:.2f}, {:.2f}, {:.2f}".format(*psutil.getloadavg()),
    }


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _short(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]
