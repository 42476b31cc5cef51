"""What does a caller say who only shows that they listen? It is no turn while the agent talks."""

from __future__ import annotations

_SOUNDS = {"ah", "aha", "hm", "hmm", "huh", "mhm", "mm", "mm hm", "mm hmm", "mmm", "oh", "uh", "um"}
_WORDS = {"i see", "ok", "okay", "right", "uh huh", "yeah"}


def is_aside(text: str) -> bool:
    """Tell whether ``text`` says no more than "I am listening"."""
    letters = (character if character.isalpha() else " " for character in text.lower())
    return " ".join("".join(letters).split()) in _SOUNDS | _WORDS
