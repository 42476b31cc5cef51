"""How do ended sessions get out of the archive, for whoever bills, counts or keeps them?"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from orchestrator.cli.configuration import load_settings
from orchestrator.cli.stores import open_engine

if TYPE_CHECKING:
    from sessions.archive import Archive
    from sessions.archived import ArchiveFilter

_BATCH = 100
_TAIL_BYTES = 64 * 1024
_BEGINNING = b'{"sessionId":"'
_PROMPTS = ("systemPrompt", "openingLine", "recoveryLine", "metadata")

Write = Callable[[bytes], object]


class Moment(click.ParamType):
    """A day or a moment, in ISO 8601 or Unix milliseconds; without a zone it is UTC."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return Unix milliseconds."""
        if isinstance(value, int):
            return value
        if value.isascii() and value.isdigit() and len(value) == 13:
            return int(value)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no moment: write 2026-11-01 or 2026-11-01T08:30:00Z.", param)
        return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


@click.command
@click.option("--since", type=Moment(), help="Only what ended then or later.")
@click.option("--until", type=Moment(), help="Only what ended before; else up to now.")
@click.option("--user", help="Only sessions of this user.")
@click.option("--key", help="Only sessions of this API key, by its id.")
@click.option("--reason", help="Only sessions that ended for this reason.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
@click.option("--resume", is_flag=True, help="Go on after the last whole line of that file.")
@click.option("--without-prompts", is_flag=True, help="Leave prompts and metadata out.")
@click.option("--without-transcripts", is_flag=True, help="Leave out what was said.")
def export(
    since: int | None,
    until: int | None,
    user: str | None,
    key: str | None,
    reason: str | None,
    output: Path | None,
    resume: bool,
    without_prompts: bool,
    without_transcripts: bool,
) -> None:
    """Write ended sessions as JSON Lines, those that ended first first."""
    from sessions.archive import Archive
    from sessions.archived import ArchiveFilter

    if resume and output is None:
        raise click.UsageError("--resume goes on with a file: name it with --output.")
    # What ends from now on is the next export's.
    until = until or time.time_ns() // 1_000_000
    wanted = ArchiveFilter(scope=key, user_name=user, reason=_checked(reason))
    left_out = (_PROMPTS if without_prompts else (), ("transcript",) if without_transcripts else ())
    with open_engine(load_settings()) as engine, _opened(output, resume=resume) as (write, after):
        count = 0
        for document in _documents(Archive(engine), wanted, (since or 0, until), after):
            write(_line(document, *left_out))
            count += 1
    if output is not None:
        click.echo(f"{count} sessions written to {output}.", err=True)


def _checked(reason: str | None) -> str | None:
    from sessions.states import Reason

    if reason is not None and reason not in list(Reason):
        raise click.UsageError(f"There is no reason {reason!r}: it is one of {', '.join(Reason)}.")
    return reason


def _documents(
    archive: Archive, wanted: ArchiveFilter, between: tuple[int, int], after: str | None
) -> Iterator[dict[str, Any]]:
    """Yield sessions a batch at a time, so that memory does not grow with how many there are."""
    since, until = between
    position = (since, "")
    if after is not None:
        last = archive.load(after)
        if last is None:
            raise click.ClickException(
                f"The archive does not hold {after} any more, with which the file ends: "
                "start a new file, with --since."
            )
        position = (last.ended_at, last.id)
    while True:
        batch = archive.ended_after(wanted, position, until, _BATCH)
        names = archive.aliases_of([session.id for session in batch])
        for session in batch:
            yield session.to_json(names.get(session.id, []))
        if len(batch) < _BATCH:
            return
        position = (batch[-1].ended_at, batch[-1].id)


def _line(
    document: dict[str, Any], of_config: tuple[str, ...], of_session: tuple[str, ...]
) -> bytes:
    config = {k: v for k, v in document["config"].items() if k not in of_config}
    kept = {k: v for k, v in (document | {"config": config}).items() if k not in of_session}
    text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
    # Half a character, which UTF-8 cannot hold, becomes the escape that JSON has for it.
    return text.encode(errors="backslashreplace") + b"\n"


@contextmanager
def _opened(output: Path | None, *, resume: bool) -> Iterator[tuple[Write, str | None]]:
    """Yield how to write, and the id of the session after which to go on."""
    if output is None:
        with _printing():
            yield sys.stdout.buffer.write, None
            sys.stdout.buffer.flush()
        return
    try:
        with output.open("r+b" if resume else "xb") as file:
            yield file.write, _last_id(file, output) if resume else None
    except FileExistsError:
        raise click.ClickException(
            f"{output} is there already: --resume goes on with it, or name another file."
        ) from None
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}.") from None


@contextmanager
def _printing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        # Whoever read has had enough. What Python still wants to write at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(1) from None
    except OSError as error:
        raise click.ClickException(f"It cannot be printed: {error.strerror}.") from None


def _last_id(file: BinaryIO, path: Path) -> str | None:
    """Return the session of the last whole line; what follows it, half a line, is cut off."""
    end = _after_newline(file, file.seek(0, os.SEEK_END))
    begin = _after_newline(file, end - 1)
    file.seek(begin)
    last = file.read(end - begin) or file.read(len(_BEGINNING))
    try:
        found = str(json.loads(last)["sessionId"]) if end else None
    except (ValueError, TypeError, KeyError):
        found = None
    if not (found or (end == 0 and _BEGINNING.startswith(last))):
        raise click.ClickException(f"{path} does not end as an export does: nothing was changed.")
    file.seek(end)
    file.truncate()
    return found


def _after_newline(file: BinaryIO, before: int) -> int:
    """Return the place after the last newline before ``before``, or the beginning."""
    while before > 0:
        start = max(0, before - _TAIL_BYTES)
        file.seek(start)
        found = file.read(before - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        before = start
    return 0
