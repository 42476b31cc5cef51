"""What a table of intents may say, and how a message finds its type in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sessions.errors import ConfigurationError, ProviderError
from sessions.questions.intents import Intent, Intents
from tests.support.settings import settings_with


class Letters:
    """A text means its first letters: each is a direction of its own."""

    def __init__(self) -> None:
        self.calls = 0

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        self.calls += 1
        rows = np.zeros((len(texts), 128), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for letter in text:
                row[ord(letter)] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


TABLE = Intents(
    {
        "general_info": Intent(phrases=["a"]),
        "small_talk": Intent(phrases=["b", "bbbc"], reply="Yes."),
        "human_handoff": Intent(phrases=["d"]),
    }
)


@pytest.mark.parametrize(
    ("message", "task_type"),
    [
        ("a", "general_info"),
        ("b", "small_talk"),
        ("d", "human_handoff"),
        ("bbd", "small_talk"),
        ("bd", "general_info"),
        ("bxyz", "small_talk"),
        ("bxyzvwu", "general_info"),
        ("xyz", "general_info"),
    ],
)
def test_task_type_when_near_and_clear_then_it_is_the_phrases_else_general(
    message: str, task_type: str
) -> None:
    assert TABLE.task_type_of(message, Letters()) == task_type


def test_task_type_when_asked_often_then_the_phrases_are_embedded_once() -> None:
    table, letters = (
        Intents({"a_b": Intent(phrases=["a"]), "c_d": Intent(phrases=["b"])}),
        Letters(),
    )
    assert letters.calls == 0
    for _ in range(3):
        table.task_type_of("a", letters)
    assert letters.calls == 4


def test_task_type_when_embeddings_are_away_then_it_is_general() -> None:
    class Away:
        def embed(self, texts: list[str]) -> NDArray[np.float32]:
            raise ProviderError("nobody there")

    assert TABLE.task_type_of("b", Away()) == "general_info"


def test_reply_when_the_table_has_one_then_it_is_told() -> None:
    assert (TABLE.reply_to("small_talk"), TABLE.reply_to("general_info")) == ("Yes.", None)
    assert TABLE.reply_to("nothing_such") is None
    shipped = Intents.load(settings_with())
    assert shipped.task_types == ["general_info", "human_handoff", "small_talk"]
    assert shipped.reply_to("human_handoff")
    assert shipped.reply_to("general_info") is None


def load(folder: Path, text: str) -> Intents:
    file = folder / "intents.toml"
    file.write_text(text, encoding="utf-8")
    return Intents.load(settings_with(intents_file=file))


def test_load_when_a_user_adds_a_table_then_it_is_added(tmp_path: Path) -> None:
    table = load(
        tmp_path,
        """
        [order_status]
        phrases = ["Where is my order?"]

        [small_talk]
        reply = "Ahoy!"
        """,
    )
    assert "order_status" in table.task_types
    assert table.reply_to("small_talk") == "Ahoy!"
    assert table.reply_to("human_handoff")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[order_status]\nphrase = []", "order_status.phrase"),
        ("[order_status]\nphrases = 'a'", "order_status.phrases"),
        ("[order_status]\nphrases = ['a', '']", "order_status.phrases.1"),
        ("[order_status]\nreply = 7", "order_status.reply"),
        ("['Order Status']\nphrases = ['a']", "Order Status"),
        ("order_status = 3", "order_status"),
        ("[order_status", "not TOML"),
    ],
)
def test_load_when_an_entry_is_wrong_then_it_is_named(
    tmp_path: Path, text: str, named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named) as error:
        load(tmp_path, text)
    assert str(tmp_path) in str(error.value)


def test_load_when_the_file_is_missing_then_the_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="SWITCHBOARD_INTENTS_FILE"):
        Intents.load(settings_with(intents_file=tmp_path / "none.toml"))
