"""What stands in a Markdown file? Sections by heading; lists and tables line by line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from agents.knowledge.passages import Outline, Section
from agents.knowledge.reading.rows import spoken_rows
from agents.knowledge.sentences import ended

_FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL)
_LISTS = ("bullet_list", "ordered_list")
_CODE = ("fence", "code_block")


def read_markdown(text: str) -> Sequence[Section]:
    """Return the sections of a Markdown text."""
    parser = MarkdownIt("commonmark").enable("table")
    outline = Outline()
    _walk(SyntaxTreeNode(parser.parse(_FRONT_MATTER.sub("", text))), outline)
    return outline.sections


def _walk(parent: SyntaxTreeNode, outline: Outline) -> None:
    for node in parent.children:
        if node.type == "heading":
            outline.heading(int(node.tag[1:]), _plain(node))
        elif node.type == "table":
            _table(node, outline)
        elif node.type in _LISTS:
            _list(node, outline)
        elif node.type in _CODE:
            outline.block(node.content)
        elif node.type == "html_block":
            outline.block(BeautifulSoup(node.content, "html.parser").get_text(" "))
        elif node.type == "paragraph":
            outline.block(_plain(node))
        else:
            _walk(node, outline)


def _table(node: SyntaxTreeNode, outline: Outline) -> None:
    rows = [[_plain(cell) for cell in row.children] for part in node.children for row in part]
    for line in spoken_rows(rows[0], rows[1:]):
        outline.block(line)


def _list(node: SyntaxTreeNode, outline: Outline) -> None:
    for item in node.children:
        for part in item.children:
            if part.type in _LISTS:
                _list(part, outline)
            else:
                outline.block(ended(_plain(part)))


def _plain(node: SyntaxTreeNode) -> str:
    """Return what a reader sees of a node, without its markup."""
    if node.type in ("text", "code_inline", *_CODE):
        return node.content
    if node.type in ("softbreak", "hardbreak"):
        return " "
    return "".join(_plain(child) for child in node.children)
