"""How does an answer look: on a terminal, in a pipe, and to a program?

A cell is text, or text and the style that it has on a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

Cell = str | tuple[str, str]

STATE_STYLES = {
    "queued": "yellow",
    "starting": "cyan",
    "ready": "green",
    "recovering": "magenta",
    "ending": "yellow",
    "ended": "dim",
}

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def print_json(document: object) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def print_line(*cells: Cell) -> None:
    """Print cells one after the other on a line."""
    if not sys.stdout.isatty():
        click.echo(" ".join(map(text_of, cells)).rstrip())
        return
    from rich.console import Console
    from rich.text import Text

    line = Text(" ").join(Text(text_of(cell), style_of(cell)) for cell in cells)
    # Where a line is too long, the terminal breaks it: what is copied from there stays whole.
    Console(highlight=False).print(line, soft_wrap=True)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Print a table, or the sentence that there is nothing."""
    rows = list(rows)
    if not sys.stdout.isatty():
        _print_plain(headings, rows)
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    # The first column holds what other commands want to be given, so it is never cut.
    table.columns[0].min_width = max((len(text_of(row[0])) for row in rows), default=None)
    for row in rows:
        table.add_row(*(Text(text_of(cell), style_of(cell)) for cell in row))
    Console(highlight=False).print(table)


def print_facts(title: str, facts: Iterable[tuple[str, Any]]) -> None:
    """Print a title, and under it names and values; what has no value is left out."""
    click.secho(title, bold=True)
    known = [(name, str(value)) for name, value in facts if value not in (None, "", [], {})]
    width = max((len(name) for name, _ in known), default=0)
    for name, value in known:
        print_line((f"  {name.ljust(width)} ", "dim"), value)


def text_of(cell: Cell) -> str:
    """Return what a cell says."""
    return cell if isinstance(cell, str) else cell[0]


def style_of(cell: Cell) -> str:
    """Return how a cell looks on a terminal."""
    return "" if isinstance(cell, str) else cell[1]


def ago(milliseconds: int) -> str:
    """Return a length of time as people say it."""
    seconds = max(0, milliseconds) / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _print_plain(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    lines = [[heading.upper() for heading in headings]]
    lines += [[text_of(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())
