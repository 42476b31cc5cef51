"""Measure everything, or one figure: ``python -m bench [--only NAME] [--save FILE]``."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from pathlib import Path
from types import ModuleType

from rich.console import Console

from bench.house import bench_house
from bench.measuring import Row
from bench.report import document, table
from tests.support.processes import ROOT

FIGURES = (
    "joining",
    "first_audio",
    "whip",
    "recovery",
    "pickup",
    "starts",
    "verbs",
    "reaping",
    "memory",
    "importing",
    "console",
    "dashboard",
    "follow",
    "crowd",
    "turns",
    "barge_in",
    "deploying",
    "chat",
    "wer",
    "knowledge",
)


def main() -> None:
    """Measure as the command line says, print the table and perhaps save it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=FIGURES, help="measure only this")
    parser.add_argument("--save", type=Path, help="write the table and how it came about here")
    given = parser.parse_args()
    # So that the house goes with us, however we are told to go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    modules = [importlib.import_module(f"bench.{name}") for name in given.only or FIGURES]
    progress = Console(stderr=True)
    progress.print("Starting the house")
    results: list[tuple[ModuleType, list[Row]]] = []
    with bench_house() as house:
        for module in modules:
            progress.print(f"{module.__name__}: {(module.__doc__ or '').strip().splitlines()[0]}")
            results.append((module, module.measure(house)))
    rows = [row for _, found in results for row in found]
    Console(width=None if sys.stdout.isatty() else 160).print(table(rows))
    if given.save:
        (ROOT / given.save).write_text(document(results), encoding="utf-8")


if __name__ == "__main__":
    main()
