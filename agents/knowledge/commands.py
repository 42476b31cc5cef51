"""What the house knows, on the command line: adding files, listing bases, asking and removing.

Everything slow is imported inside the commands, so that `--help` is there at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from agents.knowledge.answering import Answer, Answerer, Grounds
    from agents.knowledge.finding import Finder
    from agents.knowledge.storage import BaseInfo

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@click.group
def knowledge() -> None:
    """Make knowledge bases from files, and ask them."""


@knowledge.command
@click.argument("name")
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@_json
def add(name: str, paths: tuple[Path, ...], as_json: bool) -> None:
    """Add files and folders to the base NAME; it is made if there is none.

    Read are Markdown, text, PDF, HTML, and CSV or JSON files with a question and an answer in each
    row. A file that was added before is replaced. What cannot be read is named and left out.
    """
    from agents.knowledge.reading.files import read_paths
    from sessions.questions.bases import SAMPLE
    from sessions.requests import REGISTERED_NAME_PATTERN

    if not re.fullmatch(REGISTERED_NAME_PATTERN, name):
        raise click.UsageError(
            "NAME has 1 to 64 letters, digits, dots, underscores and dashes, the first of them a "
            "letter or a digit."
        )
    if name == SAMPLE:
        raise click.UsageError("`sample` ships and cannot be changed; choose another name.")
    reading = read_paths(paths)
    for path, why in reading.skipped.items():
        click.echo(f"left out {path}: {why}", err=True)
    if not reading.files:
        raise click.ClickException("Nothing was added: no file could be read.")
    with _open() as finder:
        finder.writer.add(name, reading.passages)
        info = finder.storage.find(name)
    total = info.passages if info else 0
    added = len(reading.passages)
    if as_json:
        _print(
            {
                "name": name,
                "files": {path: len(passages) for path, passages in reading.files.items()},
                "skipped": reading.skipped,
                "passages": total,
            }
        )
        return
    files = f"{len(reading.files)} file{'s' if len(reading.files) != 1 else ''}"
    click.echo(f"{name}: {added} passages from {files} added; it has {total} now.")


@knowledge.command("list")
@_json
def list_(as_json: bool) -> None:
    """List all bases."""
    from sessions.questions.bases import SAMPLE

    with _open() as finder:
        found = [(base, finder.storage.paths(base.name)) for base in finder.storage.list()]
    if as_json:
        _print({"bases": [_document(base, files) for base, files in found]})
        return
    for base, files in found:
        count = f"{len(files)} file{'s' if len(files) != 1 else ''}"
        click.echo(f"{base.name}: {base.passages} passages from {count}, model {base.model}")
    if all(base.name != SAMPLE for base, _ in found):
        click.echo("sample: ships, and is read when it is first asked")


@knowledge.command
@click.argument("name")
@click.argument("question")
@_json
def ask(name: str, question: str, as_json: bool) -> None:
    """Ask the base NAME a question; show the answer and where it stands."""
    from agents.knowledge.answering import Answer, Answerer, Question
    from sessions.settings import Settings

    # A terminal may hand over bytes that are no text.
    message = question.encode(errors="replace").decode().strip()
    if not message:
        raise click.UsageError("QUESTION is empty.")
    answerer = Answerer(Settings())
    prepared = answerer.prepare(Question(message, knowledge=name))
    if isinstance(prepared, Answer):
        answer = prepared
        if not as_json:
            click.echo(answer.response)
    else:
        answer = _worded(answerer, prepared, aloud=not as_json)
    if as_json:
        _print(asdict(answer))
        return
    for source in answer.sources:
        click.echo(f"  from {source}")


@knowledge.command
@click.argument("name")
def remove(name: str) -> None:
    """Remove the base NAME with all its passages. Sessions that name it get honest refusals."""
    from sessions.questions.bases import SAMPLE

    if name == SAMPLE:
        raise click.ClickException("`sample` ships: it would be back when it is next asked.")
    with _open() as finder:
        removed = finder.storage.remove(name)
        known = [base.name for base in finder.storage.list()]
    if not removed:
        there = f"there are: {', '.join(known)}" if known else "there are none"
        raise click.ClickException(f"There is no knowledge base {name}; {there}.")
    click.echo(f"{name} is removed.")


@contextmanager
def _open() -> Iterator[Finder]:
    from sqlalchemy.exc import SQLAlchemyError

    from agents.knowledge.finding import Finder, database_away
    from sessions.questions.embeddings import Embedder
    from sessions.settings import Settings

    settings = Settings()
    try:
        finder = Finder(settings, Embedder(settings))
        try:
            yield finder
        finally:
            finder.close()
    except SQLAlchemyError as error:
        raise database_away(error) from error


def _worded(answerer: Answerer, grounds: Grounds, *, aloud: bool) -> Answer:
    """Return the answer in the LLM's words, printed as they come."""
    from agents.knowledge.marker import MarkerFilter
    from sessions.errors import ProviderError

    said: list[str] = []
    marker = MarkerFilter()
    try:
        for token in answerer.tokens(grounds):
            said.append(token)
            _say(marker.feed(token), aloud)
        _say(f"{marker.end()}\n", aloud)
    except ProviderError as error:
        click.echo(f"{error} Here is the best passage instead.", err=True)
        _say(f"{grounds.fallback.response}\n", aloud)
        return grounds.fallback
    return answerer.finish(grounds, "".join(said))


def _say(text: str, aloud: bool) -> None:
    if aloud:
        click.echo(text, nl=False)


def _document(base: BaseInfo, files: list[str]) -> dict[str, Any]:
    return {
        "name": base.name,
        "model": base.model,
        "passages": base.passages,
        "files": files,
        "updated_at": base.updated_at,
    }


def _print(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
