"""`switchboard migrate`: makes the schema, and says nothing when it is there."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from orchestrator.cli import main
from sessions.database import open_database
from sessions.schema import is_current


def migrate(url: str) -> tuple[int, str]:
    result = CliRunner(env={"SWITCHBOARD_DATABASE_URL": url}).invoke(main, ["migrate"])
    return result.exit_code, result.output


def test_migrate_when_there_is_no_database_then_makes_it_and_then_is_quiet(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/folder/switchboard.db"
    code, said = migrate(url)
    assert (code, said) == (0, f"The database {url} now has the schema of this version.\n")
    engine = open_database(url)
    assert is_current(engine)
    engine.dispose()
    assert migrate(url) == (0, "")


def test_migrate_when_the_url_is_none_then_says_which_setting_is_wrong() -> None:
    code, said = migrate("nonsense")
    assert code == 1
    assert "SWITCHBOARD_DATABASE_URL" in said


def test_migrate_when_the_database_is_away_then_hides_its_password(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, said = migrate(f"sqlite://user:hidden@/{tmp_path}/file/x.db")
    assert code == 1
    assert "hidden" not in said
