"""What stands on a page? Its main text by heading; menus, footers and scripts are left out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PreformattedString

from agents.knowledge.passages import Outline, Section
from agents.knowledge.reading.rows import spoken_rows
from agents.knowledge.sentences import ended

_LEFT_OUT = (
    "script", "style", "noscript", "template", "nav", "header", "footer", "aside", "form",
    "button", "svg", "iframe", "title",
)  # fmt: skip
_HEADING = re.compile(r"h[1-6]")
_ITEMS = ("li", "dt", "dd")
_INLINE = (
    "a", "abbr", "b", "bdi", "cite", "code", "data", "del", "em", "font", "i", "ins", "kbd", "mark",
    "q", "s", "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr",
)  # fmt: skip


def read_html(text: str) -> Sequence[Section]:
    """Return the sections of a page."""
    page = BeautifulSoup(text, "html.parser")
    main = page.find("main") or page.find("article") or page.body or page
    for left_out in main.find_all(_LEFT_OUT):
        # The header of an article holds its heading, that of a page its menu.
        if left_out.name != "header" or not left_out.find(_HEADING):
            left_out.decompose()
    outline = Outline()
    _walk(main, outline)
    return outline.sections


def _walk(parent: Tag, outline: Outline) -> None:
    line: list[str] = []

    def flush() -> None:
        text = "".join(line)
        outline.block(ended(text) if parent.name in _ITEMS else text)
        line.clear()

    for child in parent.children:
        if isinstance(child, PreformattedString):
            continue  # a comment or a declaration
        if isinstance(child, NavigableString):
            line.append(str(child))
        elif isinstance(child, Tag) and child.name in _INLINE and not child.find(_HEADING):
            line.append(child.get_text(" " if child.find("br") else ""))
        elif isinstance(child, Tag):
            if child.name == "br":
                line.append(" ")
                continue
            flush()
            _block(child, outline)
    flush()


def _block(node: Tag, outline: Outline) -> None:
    if _HEADING.fullmatch(node.name):
        outline.heading(int(node.name[1]), node.get_text(" "))
    elif node.name == "table" and not node.find("table"):
        _table(node, outline)
    else:
        _walk(node, outline)


def _table(node: Tag, outline: Outline) -> None:
    rows = node.find_all("tr")
    texts = [[cell.get_text(" ") for cell in row.find_all(["th", "td"])] for row in rows]
    headed = bool(rows) and not rows[0].find("td")
    head, body = (texts[0], texts[1:]) if headed else ([], texts)
    for line in spoken_rows(head, body):
        outline.block(line)
