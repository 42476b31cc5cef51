"""What stands in a file, and what is said of one that cannot be read?"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from agents.knowledge.passages import PASSAGE_CHARACTERS
from agents.knowledge.reading import files
from agents.knowledge.reading.files import Reading, read_folder, read_paths
from agents.knowledge.reading.pairs import read_json
from agents.knowledge.sentences import packed, sentences

SAMPLE = Path(files.__file__).parents[1] / "sample"


def read(tmp_path: Path, name: str, content: str | bytes) -> Reading:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_paths([path])


def texts(reading: Reading) -> list[tuple[str, str]]:
    return [(passage.place, passage.text) for passage in reading.passages]


def why_not(tmp_path: Path, name: str, content: str | bytes) -> str:
    reading = read(tmp_path, name, content)
    assert reading.files == {}
    return reading.skipped[name]


def test_markdown_when_read_then_has_its_headings_lists_and_tables_in_words(tmp_path: Path) -> None:
    content = """---
title: not said
---
# Shop

We *sell* [bicycles](https://example.com) and `bells`.

## Prices

| Job | Price | Time |
|---|---|---|
| Wheel | 5 dollars | a day |

- one bell
- two bells
  1. and a horn

<p>Raw <b>HTML</b></p>
"""
    assert texts(read(tmp_path, "a.md", content)) == [
        ("Shop", "We sell bicycles and bells."),
        (
            "Shop > Prices",
            "Wheel: Price 5 dollars, Time a day. one bell. two bells. and a horn. Raw HTML",
        ),
    ]


def test_a_section_that_begins_with_questions_when_read_then_they_are_ways_to_ask(
    tmp_path: Path,
) -> None:
    content = "# Can I pay by card?\n\n*Do you take Visa? Which cards do you take?*\n\nAll cards."
    [passage] = read(tmp_path, "a.md", content).passages
    assert passage.text == "All cards."
    assert passage.questions == (
        "Can I pay by card?",
        "Do you take Visa?",
        "Which cards do you take?",
    )


def test_html_when_read_then_menus_and_scripts_are_left_out(tmp_path: Path) -> None:
    content = """<html><head><title>T</title><script>var x</script></head><body>
    <nav>Home</nav><main><header><h1>Visit</h1></header><!-- hidden -->
    <p>Maple <b>Street</b><br>42</p><ul><li>bus</li><li>train</li></ul>
    <table><tr><td>Phone</td><td>555</td></tr></table></main><footer>Imprint</footer></body>"""
    assert texts(read(tmp_path, "a.html", content)) == [
        ("Visit", "Maple Street 42 bus. train. Phone: 555.")
    ]


def test_text_when_read_then_short_lines_are_headings(tmp_path: Path) -> None:
    content = "Hours\n=====\n\nWe open at nine. Every\nday.\n\n- tea\n- coffee\n"
    assert texts(read(tmp_path, "a.txt", content)) == [
        ("Hours", "We open at nine. Every day. tea. coffee.")
    ]


def test_pdf_when_read_then_lines_become_sections() -> None:
    places = [p.place for p in read_folder(SAMPLE).files["warranty.pdf"]]
    assert places == [
        "How long it lasts",
        "What is not covered",
        "How to make a claim",
        "First service",
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "question,answer\nOne?,A.\nTwo?,A.\nThree?,B.\n"),
        ("b.csv", "Antwort;Frage\nA.;One?\nA.;Two?\nB.;Three?\n"),
        ("a.json", '[{"q": ["One?", "Two?"], "a": "A."}, {"question": "Three?", "answer": "B."}]'),
        ("b.json", '{"faq": [{"q": ["One?", "Two?"], "a": "A."}, {"q": "Three?", "a": "B."}]}'),
        ("c.json", '{"One?": "A.", "Two?": "A.", "Three?": "B."}'),
    ],
)
def test_questions_and_answers_when_read_then_an_answer_is_one_passage(
    tmp_path: Path, name: str, content: str
) -> None:
    found = [(p.place, p.questions, p.text) for p in read(tmp_path, name, content).passages]
    assert found == [("One?", ("One?", "Two?"), "A."), ("Three?", ("Three?",), "B.")]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", "name,price\nx,1\n", "line 1: needs a column `question`"),
        ("a.csv", "question,answer\nOne?,A.\nTwo?,\n", "line 3: has no `answer`"),
        ("a.csv", 'question,answer\n"One?,A.\n', "line"),
        ("a.json", "[\n{]", "line 2: "),
        ("a.json", '[{"question": "x?", "answer": "y"},\n{"question": "z?"}]', "line 2, entry 2: "),
        ("a.json", '"text"', "line 1: needs a list"),
        ("a.json", "[" * 100_000, "is nested too deep"),
        ("a.json", f"[{'1' * 5000}]", "Exceeds the limit"),
        ("a.pdf", b"%PDF-1.4 nothing", "is a broken PDF"),
        ("a.txt", b"\xff\xfa\x00", "is not UTF-8"),
        ("a.txt", b"a\0b", "is not text"),
        ("a.md", "   \n", "holds no text"),
        ("a.html", "<div>" * 5_000 + "x", "is nested too deep"),
        ("a.docx", "x", "is of no kind that is read: .md"),
    ],
)
def test_a_file_when_it_cannot_be_read_then_is_named_with_the_reason(
    tmp_path: Path, name: str, content: str | bytes, why: str
) -> None:
    assert why in why_not(tmp_path, name, content)


def test_a_file_when_too_large_then_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 3)
    assert "at most" in why_not(tmp_path, "a.txt", "four")


def test_a_pipe_or_a_device_when_found_then_nobody_waits_for_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "zero.md").symlink_to("/dev/zero")
    skipped = read_folder(tmp_path).skipped
    assert skipped == {"pipe.md": "is no file", "zero.md": "is no file"}


def test_a_name_when_no_database_takes_it_then_is_shown_in_what_can_be_written(
    tmp_path: Path,
) -> None:
    for name in (b"\xff.md", b"\x1b[31m.md", b"a\nb.md"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("Text.")
    reading = read_folder(tmp_path)
    assert reading.files == {}
    assert list(reading.skipped) == ["\\x1b[31m.md", "a\\nb.md", "\\udcff.md"]


def test_json_when_it_has_many_entries_then_each_is_looked_at_once() -> None:
    text = "[" + ", ".join(['{"q": "A?", "a": "B."}'] * 60_000) + "]"
    started = time.process_time()
    assert len(read_json(text)) == 60_000
    # To count all lines anew for each entry took more than half a minute.
    assert time.process_time() - started < 10


def test_a_folder_when_read_then_the_good_files_are_there_and_the_bad_ones_named(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    (folder / ".hidden.md").write_text("hidden")
    (folder / "deep/a.md").write_text("Good.")
    (folder / "bad.csv").write_text("x\n")
    reading = read_paths([folder, tmp_path / "missing.md"])
    assert list(reading.files) == ["docs/deep/a.md"]
    assert list(reading.skipped) == ["docs/bad.csv", "missing.md"]


def test_what_no_database_takes_when_read_then_is_left_out(tmp_path: Path) -> None:
    content = '[{"question": "a\\u0000b?", "answer": "half \\ud800 of a pair"}]'
    [passage] = read(tmp_path, "a.json", content).passages
    assert "\0" not in passage.place
    passage.text.encode()


def test_sentences_when_there_are_abbreviations_then_stay_whole() -> None:
    assert sentences("Dr. Who asks e.g. Ann. She  left! Did 5.5 pass?") == [
        "Dr. Who asks e.g. Ann.",
        "She left!",
        "Did 5.5 pass?",
    ]


def test_passages_when_cut_then_are_short_and_no_sentence_is_torn() -> None:
    blocks = [f"This is sentence number {n} of a long text." for n in range(60)]
    found = list(packed([" ".join(blocks)], PASSAGE_CHARACTERS))
    assert len(found) > 1
    assert all(len(text) <= PASSAGE_CHARACTERS and text.endswith(".") for text in found)
    endless = "word " * 200
    assert list(packed([endless], PASSAGE_CHARACTERS)) == [endless.strip()]


def test_the_sample_when_read_then_is_whole() -> None:
    reading = read_folder(SAMPLE)
    assert reading.skipped == {}
    assert 40 <= len(reading.passages) <= 70
    assert all(len(passage.text) <= PASSAGE_CHARACTERS for passage in reading.passages)
