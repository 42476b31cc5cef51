"""When do two ways of writing a sentence say the same words?"""

from __future__ import annotations

import re

# fmt: off
_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
# fmt: on
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WRITTEN_OUT = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint", "okay": "ok"}


def plain_words(text: str) -> str:
    """Return ``text`` in lower case, without marks, and with small numbers as words."""
    unmarked = re.sub(r"['’]", "", text.lower())
    words = re.sub(r"[^a-z0-9]+", " ", unmarked).split()
    return " ".join(
        _number(word) if word.isdigit() else _WRITTEN_OUT.get(word, word) for word in words
    )


def _number(digits: str) -> str:
    number = int(digits)
    if number < len(_UNITS):
        return _UNITS[number]
    if number < 100:
        ten, unit = divmod(number, 10)
        return f"{_TENS[ten - 2]} {_UNITS[unit]}" if unit else _TENS[ten - 2]
    return digits
