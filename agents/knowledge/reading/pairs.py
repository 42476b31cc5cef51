"""Which questions and answers stand in a CSV or JSON file?

CSV has a column for each; JSON is a list of objects, an object that holds such a list, or an object
whose keys are the questions. Several ways to ask the same are a list in JSON and several rows with
the same answer in CSV.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents.knowledge.passages import LONGEST_CHARACTERS
from agents.knowledge.reading.unreadable import UnreadableFileError

QUESTION = ("question", "questions", "q", "frage", "ask", "prompt", "title")
ANSWER = ("answer", "answers", "a", "antwort", "response", "reply", "text")

_LISTS = ("questions", "faq", "faqs", "items", "entries", "data", "qa", "pairs")
_DELIMITERS = (",", ";", "\t", "|")

Pair = tuple[str, str]


def read_csv(text: str) -> list[Pair]:
    """Return the questions and answers of a CSV file.

    Raises:
        UnreadableFileError: a column is missing, or a row lacks its question or its answer.
    """
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [name or "" for name in reader.fieldnames or []]
        asked, answered = _key(columns, QUESTION), _key(columns, ANSWER)
        if asked is None or answered is None:
            raise UnreadableFileError(
                "line 1: needs a column `question` and a column `answer`; it has "
                + (", ".join(f"`{name.strip()}`" for name in columns) or "none")
            )
        return [
            _checked(row[asked], row[answered], f"line {reader.line_num}")
            for row in reader
            if any(isinstance(cell, str) and cell.strip() for cell in row.values())
        ]
    except csv.Error as error:
        raise UnreadableFileError(f"line {reader.line_num}: {error}") from error


def read_json(text: str) -> list[Pair]:
    """Return the questions and answers of a JSON file.

    Raises:
        UnreadableFileError: it is no JSON, has another shape, or an entry lacks something.
    """
    try:
        content: Any = json.loads(text)
    except RecursionError as error:
        raise UnreadableFileError("is nested too deep") from error
    except json.JSONDecodeError as error:
        raise UnreadableFileError(f"line {error.lineno}: {error.msg}") from error
    except ValueError as error:  # a number with thousands of digits
        raise UnreadableFileError(str(error)) from error
    if isinstance(content, Mapping):
        content = _list_in(content)
    if not isinstance(content, list):
        raise UnreadableFileError(
            "line 1: needs a list of objects that each have a `question` and an `answer`"
        )
    lines = _lines_of_entries(text, len(content))
    return [
        found
        for number, entry in enumerate(content)
        for found in _pairs_of(entry, f"{lines[number]}entry {number + 1}")
    ]


def _list_in(content: Mapping[str, Any]) -> object:
    """Return the list that an object holds, or its keys and values as one."""
    for name, value in content.items():
        if name.lower() in _LISTS and isinstance(value, list):
            return value
    if content and all(isinstance(value, str) for value in content.values()):
        return [{"question": name, "answer": value} for name, value in content.items()]
    return None


def _pairs_of(entry: object, where: str) -> Iterator[Pair]:
    if not isinstance(entry, Mapping):
        raise UnreadableFileError(f"{where}: is not an object with a `question` and an `answer`")
    names = [str(name) for name in entry]
    asked, answered = _key(names, QUESTION), _key(names, ANSWER)
    questions = entry[asked] if asked is not None else None
    answer = entry[answered] if answered is not None else None
    several: Sequence[Any] = questions if isinstance(questions, list) and questions else [questions]
    for question in several:
        yield _checked(question, answer, where)


def _checked(question: object, answer: object, where: str) -> Pair:
    for name, value in (("question", question), ("answer", answer)):
        if not isinstance(value, str) or not value.strip():
            raise UnreadableFileError(f"{where}: has no `{name}`")
        if len(value) > LONGEST_CHARACTERS:
            raise UnreadableFileError(
                f"{where}: the {name} is longer than {LONGEST_CHARACTERS} characters"
            )
    return str(question), str(answer)


def _key(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """Return the one of ``names`` that means what is wanted, the plainest spelling first."""
    plain = {name.strip().lower(): name for name in names}
    return next((plain[name] for name in wanted if name in plain), None)


def _lines_of_entries(text: str, count: int) -> list[str]:
    """Return `line 7, ` for each entry of a file that is one list; nothing for another shape."""
    at = text.find("[") + 1
    if text[: at - 1].strip():
        return [""] * count
    decoder = json.JSONDecoder()
    lines: list[str] = []
    counted, line = 0, 1
    for _ in range(count):
        while text[at] in " \t\r\n,":
            at += 1
        line += text.count("\n", counted, at)
        counted = at
        lines.append(f"line {line}, ")
        _, at = decoder.raw_decode(text, at)
    return lines
