"""`switchboard knowledge`: files are added, listed, asked and removed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from orchestrator.cli import main
from sessions.settings import Settings
from tests.fixtures.inference import InferenceServer
from tests.fixtures.redis import MakeSettings
from tests.support.scripted_answers import error, words
from tests.support.scripted_openai import CHAT, scripted_openai
from tests.support.settings import environment_of


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "hours.md").write_text("# Hours\n\nThe bakery opens at seven in the morning.\n")
    (folder / "faq.csv").write_text("question,answer\nDo you have rye bread?,Every Friday.\n")
    (folder / "broken.csv").write_text("question,answer\nNo answer?,\n")
    (folder / "image.png").write_bytes(b"png")
    return folder


@pytest.fixture
def settings(make_settings: MakeSettings, inference: InferenceServer) -> Settings:
    return make_settings(inference_url=inference.url)


@pytest.fixture
def runner(settings: Settings) -> CliRunner:
    return CliRunner(env=environment_of(settings))


def test_knowledge_when_added_then_is_listed_asked_changed_and_removed(
    runner: CliRunner, docs: Path
) -> None:
    added = runner.invoke(main, ["knowledge", "add", "bakery", str(docs)])
    assert added.exit_code == 0, added.output
    assert added.stdout == "bakery: 2 passages from 2 files added; it has 2 now.\n"
    assert "left out docs/broken.csv: line 2: has no `answer`" in added.stderr
    assert "left out docs/image.png" in added.stderr

    [base] = json.loads(runner.invoke(main, ["knowledge", "list", "--json"]).stdout)["bases"]
    assert (base["name"], base["files"]) == ("bakery", ["docs/faq.csv", "docs/hours.md"])
    assert "sample: ships" in runner.invoke(main, ["knowledge", "list"]).stdout

    question = ["knowledge", "ask", "bakery", "When does the bakery open?"]
    assert runner.invoke(main, question).stdout == (
        "The bakery opens at seven in the morning.\n  from docs/hours.md > Hours\n"
    )
    (docs / "hours.md").write_text("# Hours\n\nThe bakery opens at noon.\n")
    runner.invoke(main, ["knowledge", "add", "bakery", str(docs)])
    answer = json.loads(runner.invoke(main, [*question, "--json"]).stdout)
    assert answer["response"] == "The bakery opens at noon."
    assert not answer["requires_human_handoff"]

    far = runner.invoke(main, ["knowledge", "ask", "bakery", "Who is the king?", "--json"])
    assert json.loads(far.stdout)["requires_human_handoff"]

    assert runner.invoke(main, ["knowledge", "remove", "bakery"]).exit_code == 0
    gone = runner.invoke(main, ["knowledge", "remove", "bakery"])
    assert (gone.exit_code, "there are none" in gone.stderr) == (1, True)


def test_ask_when_there_is_an_llm_then_its_words_are_shown(
    runner: CliRunner, settings: Settings, docs: Path
) -> None:
    runner.invoke(main, ["knowledge", "add", "bakery", str(docs)])
    with scripted_openai() as llm:
        own = {"SWITCHBOARD_LLM_URL": llm.url, "SWITCHBOARD_LLM_MODEL": "m"}
        ask = ["knowledge", "ask", "bakery", "When does the bakery open?"]
        llm.script(CHAT, words("At", " seven."), words("[NO_ANSWER]"), error(500))
        shown = runner.invoke(main, ask, env=own).stdout
        assert shown.startswith("At seven.\n  from docs/hours.md > Hours\n")
        assert "I do not know that" in runner.invoke(main, ask, env=own).stdout
        failed = runner.invoke(main, ask, env=own)
        assert failed.stdout.startswith("The bakery opens at seven in the morning.\n")
        assert "LLM failed" in failed.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["add", "-bad-", "x"], 2, "No such option"),
        (["add", "bad name", "x"], 2, "NAME has 1 to 64"),
        (["add", "sample", "x"], 2, "`sample` ships"),
        (["add", "bakery", "nowhere.md"], 1, "no file could be read"),
        (["add", "bakery", "nowhere"], 1, "left out nowhere: cannot be opened (No such file"),
        (["ask", "nowhere", "x"], 1, "There is no knowledge base nowhere"),
        (["ask", "sample", " "], 2, "QUESTION is empty"),
        (["remove", "sample"], 1, "it would be back"),
    ],
)
def test_knowledge_when_it_cannot_be_done_then_says_why(
    runner: CliRunner, arguments: list[str], code: int, sentence: str
) -> None:
    result = runner.invoke(main, ["knowledge", *arguments])
    assert (result.exit_code, sentence in result.stderr) == (code, True), result.stderr


def test_ask_when_the_question_is_no_text_then_what_can_be_read_of_it_is_asked(
    runner: CliRunner,
) -> None:
    result = runner.invoke(main, ["knowledge", "ask", "sample", "When are you open? \udcff"])
    assert (result.exit_code, result.exception) == (0, None)


def test_add_when_the_embeddings_are_away_then_nothing_is_added(
    runner: CliRunner, docs: Path
) -> None:
    away = {"SWITCHBOARD_INFERENCE_URL": "http://127.0.0.1:9/v1"}
    result = runner.invoke(main, ["knowledge", "add", "bakery", str(docs)], env=away)
    assert (result.exit_code, "does not answer" in result.stderr) == (1, True)
    assert json.loads(runner.invoke(main, ["knowledge", "list", "--json"]).stdout) == {"bases": []}


def test_knowledge_when_the_database_is_not_migrated_then_says_what_to_run(
    runner: CliRunner, tmp_path: Path
) -> None:
    empty = {"SWITCHBOARD_DATABASE_URL": f"sqlite:///{tmp_path}/empty.db"}
    result = runner.invoke(main, ["knowledge", "list"], env=empty)
    assert (result.exit_code, "`switchboard migrate`" in result.stderr) == (1, True)


def test_command_when_imported_then_nothing_slow_is() -> None:
    slow = ("numpy", "sqlalchemy", "livekit", "pypdf", "bs4", "openai", "httpx")
    program = (
        "import sys, agents.knowledge.commands; "
        f"print([name for name in {slow} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_answerer_when_imported_then_livekit_is_not() -> None:
    program = "import sys, agents.knowledge.answering; print('livekit' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "False"
