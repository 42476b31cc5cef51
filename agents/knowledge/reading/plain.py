"""What stands in a text without markup? Paragraphs; a short line without a full stop is a heading.

Pages of a PDF come as lines without blank ones between them, so both are told apart here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from agents.knowledge.passages import Outline, Section
from agents.knowledge.sentences import ended

_HEADING_CHARACTERS = 70
_RULE = re.compile(r"^[\s=*_~#-]+$")
_ITEM = re.compile(r"^\s*(?:[-*•–]|\d{1,3}[.)])\s+")
_FINAL = tuple('.!?…:;,)”"')


def read_text(text: str) -> Sequence[Section]:
    """Return the sections of a plain text."""
    outline = Outline()
    paragraphs = [p for p in re.split(r"\n\s*\n", text) if not _RULE.match(p)]
    for number, paragraph in enumerate(paragraphs):
        lines = [line for line in paragraph.splitlines() if not _RULE.match(line)]
        last = number == len(paragraphs) - 1
        if len(lines) == 1 and not last and _is_heading(lines[0]):
            outline.heading(1, lines[0])
            continue
        for block in _blocks(lines):
            outline.block(block)
    return outline.sections


def read_lines(text: str, above: Sequence[str] = ()) -> Sequence[Section]:
    """Return the sections of a page of lines, all below the headings ``above``."""
    outline = Outline()
    level = 1
    for level, heading in enumerate(above, 1):
        outline.heading(level, heading)
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not _RULE.match(line)]
    paragraph: list[str] = []
    for number, line in enumerate(lines):
        closed = not paragraph or paragraph[-1].endswith(_FINAL)
        more = number + 1 < len(lines)
        if closed and more and _is_heading(line) and _begins(lines[number + 1]):
            _add(paragraph, outline)
            paragraph = []
            outline.heading(len(above) + 1, line)
        else:
            paragraph.append(line)
    _add(paragraph, outline)
    return outline.sections


def _add(lines: Sequence[str], outline: Outline) -> None:
    for block in _blocks(lines):
        outline.block(block)


def _blocks(lines: Sequence[str]) -> Iterator[str]:
    """Return a block for each list item, and one for the lines between them."""
    block = ""
    item = False
    for line in lines:
        if _ITEM.match(line):
            yield ended(block) if item else block
            block, item = _ITEM.sub("", line), True
        else:
            block = _joined(block, line.strip())
    yield ended(block) if item else block


def _joined(before: str, line: str) -> str:
    """Join two lines; a word that was divided at the end of the first is made whole."""
    if re.search(r"[a-zà-ÿ]-$", before) and line[:1].islower():
        return before[:-1] + line
    return f"{before} {line}".strip()


def _is_heading(line: str) -> bool:
    line = line.strip()
    return len(line) <= _HEADING_CHARACTERS and not line.endswith(_FINAL) and _begins(line)


def _begins(line: str) -> bool:
    first = line.strip()[:1]
    return bool(first) and not first.islower() and not _ITEM.match(line)
