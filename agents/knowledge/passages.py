"""What is the smallest thing the house knows? A passage: few sentences, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from agents.knowledge.sentences import packed, sentences

PASSAGE_CHARACTERS = 400
"""As much as somebody likes to be read aloud, and well within what an embedding takes in."""
LONGEST_CHARACTERS = 4_000
"""No sentence is longer: what is has no full stops because it is no prose."""
_PLACE_CHARACTERS = 300
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""What databases and models do not take."""
_MOST_PARTS = 24


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage. ``place`` is the way of headings to it, ``questions`` are ways to ask for it."""

    path: str
    place: str
    text: str
    questions: Sequence[str] = ()

    @property
    def source(self) -> str:
        """Return where it stands, as people are told."""
        return f"{self.path} > {self.place}" if self.place else self.path

    @property
    def meanings(self) -> list[str]:
        """Return the texts by whose meaning it is found; the first is all of it."""
        subject = self.place.replace(" > ", ", ")
        whole = f"{subject}: {self.text}" if subject else self.text
        parts = [*self.questions, *sentences(self.text)]
        return list(dict.fromkeys([whole, *parts[:_MOST_PARTS]]))


@dataclass(slots=True)
class Section:
    """What stands below one heading: paragraphs, list items and table rows, each a block."""

    headings: Sequence[str] = ()
    blocks: list[str] = field(default_factory=list[str])


class Outline:
    """Collects the sections of a document while a reader walks through it."""

    def __init__(self) -> None:
        self.sections = [Section()]
        self._levels: list[tuple[int, str]] = []

    def heading(self, level: int, text: str) -> None:
        """Begin a section below the headings of lower levels."""
        self._levels = [(at, name) for at, name in self._levels if at < level]
        if title := even(text):
            self._levels.append((level, title))
        self.sections.append(Section([name for _, name in self._levels]))

    def block(self, text: str) -> None:
        """Add a paragraph, an item or a row to the present section."""
        if block := even(text):
            self.sections[-1].blocks.append(block)


def even(text: str) -> str:
    """Return ``text`` on one line, without what nobody can read."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def passages_of(path: str, sections: Iterable[Section]) -> Iterator[Passage]:
    """Cut sections into passages. Questions on top of a section are ways to ask for it."""
    for section in sections:
        place = " > ".join(section.headings)[:_PLACE_CHARACTERS]
        asked = [one for block in section.blocks if _only_asks(block) for one in sentences(block)]
        told = [block for block in section.blocks if not _only_asks(block)]
        if section.headings and told and section.headings[-1].endswith("?"):
            asked.insert(0, section.headings[-1])
        for text in packed(told, PASSAGE_CHARACTERS):
            yield Passage(path, place, text[:LONGEST_CHARACTERS], tuple(asked))


def _only_asks(block: str) -> bool:
    """Tell whether a block is nothing but questions; nobody is answered with one."""
    return all(sentence.endswith(("?", "？")) for sentence in sentences(block))


def answers_of(path: str, pairs: Iterable[tuple[str, str]]) -> list[Passage]:
    """Return a passage for each answer; questions with the same answer are ways to ask for it."""
    asked: dict[str, list[str]] = {}
    for question, answer in pairs:
        asked.setdefault(even(answer), []).append(even(question))
    return [
        Passage(path, questions[0][:_PLACE_CHARACTERS], answer, tuple(dict.fromkeys(questions)))
        for answer, questions in asked.items()
    ]
