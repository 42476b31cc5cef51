"""Where does a sentence end, and how much of a text fits into one breath?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_BOUNDARY = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[^\sa-z])|(?<=[。！？])")
_ABBREVIATIONS = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|No|Nr|vs|etc|approx|incl|e\.g|i\.e|z\.B|ca)\.|\b[A-Z]\.)$",
    re.IGNORECASE,
)
_ENDS = tuple(".!?…:;。！？")


def sentences(text: str) -> list[str]:
    """Return the sentences of ``text``, whitespace evened out."""
    found: list[str] = []
    start = 0
    even = " ".join(text.split())
    for boundary in _BOUNDARY.finditer(even):
        sentence = even[start : boundary.end()].strip()
        if sentence and not _ABBREVIATIONS.search(sentence):
            found.append(sentence)
            start = boundary.end()
    rest = even[start:].strip()
    return [*found, rest] if rest else found


def ended(text: str) -> str:
    """Return ``text`` with a full stop where nothing ends it, so that it is spoken as one line."""
    text = " ".join(text.split())
    return text if not text or text.endswith(_ENDS) else f"{text}."


def packed(blocks: Sequence[str], limit: int) -> Iterator[str]:
    """Join whole sentences into texts of at most ``limit`` characters.

    A block that fits is not torn apart, and a sentence never is: one that is longer stands alone.
    """
    text = ""
    for piece in _pieces(blocks, limit):
        if text and len(text) + 1 + len(piece) > limit:
            yield text
            text = ""
        text = f"{text} {piece}".lstrip()
    if text:
        yield text


def _pieces(blocks: Sequence[str], limit: int) -> Iterator[str]:
    for block in blocks:
        even = " ".join(block.split())
        if len(even) <= limit:
            yield even
        else:
            yield from sentences(even)
