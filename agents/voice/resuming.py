"""How does an agent go on that takes a call over in the middle of it?

It says one short sentence, and answers whom its predecessor has left without an answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agents.voice.topics import in_their_words, topic
from sessions.history import Turn

_SENTENCES = re.compile(r"(?<=[.!?。！？…])\s+")
_TWO_ENDS = re.compile(r"([.!?。！？…]) ?[.。]")
_ENDS = (".", "!", "?", "。", "！", "？")
_WORDS = re.compile(r"\w+")
_LOOKED_AT = 3
"""So many turns of the caller are looked through for something that they have asked."""


def resuming_line(template: str, history: Sequence[Turn], language: str) -> str:
    """Fill in what the caller has asked; a sentence that needs it goes where nothing was asked."""
    asked = _last_asked(history)
    words = in_their_words(asked)
    about = topic(asked) if language.lower().startswith("en") else words
    said = [
        sentence.replace("{topic}", about).replace("{question}", words)
        for sentence in _SENTENCES.split(template.strip())
        if ("{topic}" not in sentence or about) and ("{question}" not in sentence or words)
    ]
    return _TWO_ENDS.sub(r"\1", " ".join(said))


def unanswered(history: Sequence[Turn]) -> Turn | None:
    """Return the caller's last turn if it was spoken, and nobody has answered it to the end.

    What is asked in writing has its answer from elsewhere.
    """
    for turn in reversed(history):
        if turn.question or (turn.role != "user" and (turn.cut_off or turn.resuming)):
            continue
        return turn if turn.role == "user" and _is_whole(turn) else None
    return None


def is_asked_again(question: str, said: str) -> bool:
    """Tell whether a caller says nearly the same again: most of all their words are in both."""
    before, after = set(_WORDS.findall(question.lower())), set(_WORDS.findall(said.lower()))
    return 2 * len(before & after) > len(before | after)


def _last_asked(history: Sequence[Turn]) -> str:
    """Return the newest turn of the caller in which something is asked, if it is not long ago."""
    turns = [turn for turn in history if turn.role == "user"][-_LOOKED_AT:]
    if turns and not _is_whole(turns[-1]):
        return ""
    return next((turn.text for turn in reversed(turns) if topic(turn.text)), "")


def _is_whole(turn: Turn) -> bool:
    """Tell whether a caller has finished whose agent was lost while it listened, or before."""
    return not turn.cut_off or turn.text.rstrip().endswith(_ENDS)
