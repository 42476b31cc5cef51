"""`switchboard export`: the archive as JSON Lines, whole or in part, in one go or in several."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from orchestrator.cli import main
from sessions.archive import Archive
from sessions.archived import ArchivedSession
from sessions.database import open_database
from sessions.settings import Settings
from tests.support.http import archived

# By that name the package has the command.
module = importlib.import_module("orchestrator.cli.export")

DAY = 24 * 3600 * 1000
BEGAN = round(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def archive(settings: Settings) -> Iterator[Archive]:
    engine = open_database(settings.database_url)
    yield Archive(engine)
    engine.dispose()


@pytest.fixture
def three(archive: Archive) -> list[ArchivedSession]:
    """Three sessions that ended on the first three days of November."""
    sessions = [
        ended(BEGAN, user_name="Ann", reason="idle_timeout"),
        ended(BEGAN + DAY, scope="key_b"),
        ended(BEGAN + 2 * DAY),
    ]
    # Not in the order of their ends: an export has that of itself.
    for session in sessions[::-1]:
        assert archive.save(session, [f"name-{session.ended_at}"])
    return sessions


def ended(at: int, **fields: Any) -> ArchivedSession:
    said = [{"role": "user", "text": "Ein Fahrrad für 😀", "at": at, "generation": 1}]
    return archived(**{"accepted_at": at - 5, "ended_at": at, "transcript": said, **fields})


def export(settings: Settings, *arguments: str | Path) -> Result:
    environment = {"SWITCHBOARD_DATABASE_URL": settings.database_url}
    return CliRunner(env=environment).invoke(main, ["export", *map(str, arguments)])


def lines(settings: Settings, *arguments: str | Path) -> list[dict[str, Any]]:
    result = export(settings, *arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def ids(documents: list[dict[str, Any]]) -> list[str]:
    return [document["sessionId"] for document in documents]


def test_export_when_all_is_wanted_then_writes_a_line_for_each_in_the_order_of_its_end(
    settings: Settings, three: list[ArchivedSession]
) -> None:
    found = lines(settings)
    assert ids(found) == [session.id for session in three]
    assert found[0] == {**three[0].to_json([f"name-{BEGAN}"])}
    assert found[0]["transcript"][0]["text"] == "Ein Fahrrad für 😀"
    assert found[0]["config"]["systemPrompt"]


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (["--since", "2026-11-02"], [1, 2]),
        (["--until", "2026-11-02T00:00:00Z"], [0]),
        (["--until", "2026-11-02T02:00:00+02:00"], [0]),
        (["--since", str(BEGAN + DAY), "--until", str(BEGAN + DAY + 1)], [1]),
        (["--user", "Ann"], [0]),
        (["--key", "key_b"], [1]),
        (["--reason", "idle_timeout"], [0]),
        (["--user", "Ann", "--key", "key_b"], []),
    ],
)
def test_export_when_some_are_wanted_then_writes_those(
    settings: Settings, three: list[ArchivedSession], arguments: list[str], numbers: list[int]
) -> None:
    assert ids(lines(settings, *arguments)) == [three[number].id for number in numbers]


def test_export_when_prompts_and_transcripts_are_not_wanted_then_has_none(
    settings: Settings, three: list[ArchivedSession]
) -> None:
    found = lines(settings, "--without-prompts", "--without-transcripts")[0]
    assert "transcript" not in found
    assert {"systemPrompt", "openingLine", "metadata"} & set(found["config"]) == set()
    assert found["config"]["voiceId"] == "Craig"


def test_export_when_cut_off_in_the_middle_then_goes_on_where_it_stopped(
    settings: Settings, archive: Archive, three: list[ArchivedSession], tmp_path: Path
) -> None:
    output = tmp_path / "sessions.jsonl"
    assert export(settings, "--output", output).exit_code == 0
    whole = output.read_bytes()
    for cut in (len(whole), len(whole) - 1, len(whole) - 400, 300, 5, 0):
        output.write_bytes(whole[:cut])
        result = export(settings, "--output", output, "--resume")
        assert result.exit_code == 0, result.output
        assert output.read_bytes() == whole
    more = ended(BEGAN + 3 * DAY)
    archive.save(more)
    assert "1 sessions written" in export(settings, "--output", output, "--resume").stderr
    assert ids([json.loads(line) for line in output.read_text().splitlines()])[3:] == [more.id]


def test_export_when_the_line_to_resume_after_is_long_then_finds_where_it_begins(
    settings: Settings, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TAIL_BYTES", 64)
    output = tmp_path / "sessions.jsonl"
    for number in range(3):
        archive.save(ended(BEGAN + number))
    assert export(settings, "--output", output).exit_code == 0
    whole = output.read_bytes()
    output.write_bytes(whole[:-700])
    assert export(settings, "--output", output, "--resume").exit_code == 0
    assert output.read_bytes() == whole


def test_export_when_it_cannot_be_done_then_says_why(
    settings: Settings, three: list[ArchivedSession], tmp_path: Path
) -> None:
    there, foreign, pruned = (tmp_path / name for name in ("there", "foreign", "pruned"))
    for path, content in (
        (there, "kept"),
        (foreign, '{"a": 1}\n'),
        (pruned, '{"sessionId": "session_1753590741399_zzzzzz"}\n'),
    ):
        path.write_text(content)
    for arguments, why in (
        (["--output", there], "is there already"),
        (["--output", tmp_path / "none" / "x"], "No such file"),
        (["--output", tmp_path / "missing", "--resume"], "No such file"),
        (["--output", foreign, "--resume"], "does not end as an export does"),
        (["--output", there, "--resume"], "does not end as an export does"),
        (["--output", pruned, "--resume"], "any more"),
        (["--resume"], "--output"),
        (["--since", "yesterday"], "is no moment"),
        (["--reason", "bored"], "user_left"),
    ):
        result = export(settings, *arguments)
        assert result.exit_code != 0
        assert why in result.output
    assert there.read_text() == "kept"


def test_export_when_a_session_ends_meanwhile_then_leaves_it_to_the_next(
    settings: Settings, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 2)
    made = [ended(BEGAN + number) for number in range(5)]
    for session in made:
        archive.save(session)
    late = ended(9_999_999_999_999)
    read = Archive.ended_after

    def slowly(self: Archive, *args: Any) -> list[ArchivedSession]:
        archive.save(late)
        return read(self, *args)

    monkeypatch.setattr(Archive, "ended_after", slowly)
    assert ids(lines(settings)) == [session.id for session in made]


def test_export_when_there_are_many_then_memory_does_not_grow_with_them(
    settings: Settings, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 5)
    long = [{"role": "user", "text": "x" * 100_000, "at": 1}]
    for number in range(60):
        archive.save(ended(BEGAN + number, transcript=long))
    tracemalloc.start()
    try:
        result = export(settings, "--output", tmp_path / "out")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.exit_code == 0, result.output
    size = (tmp_path / "out").stat().st_size
    assert size > 6_000_000
    assert peak < size * 0.75


def test_export_when_its_reader_has_had_enough_then_ends_quietly(
    settings: Settings, archive: Archive
) -> None:
    long = [{"role": "user", "text": "x" * 200_000, "at": 1}]
    for number in range(3):
        archive.save(ended(BEGAN + number, transcript=long))
    environment = {**os.environ, "SWITCHBOARD_DATABASE_URL": settings.database_url}
    with subprocess.Popen(
        ["switchboard", "export"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        process.wait(30)
