"""Does a question lean on the one before it, like "and on Sunday?"?"""

from __future__ import annotations

import re

from agents.knowledge.answers import Question
from agents.knowledge.prompting import before

_LEANS = re.compile(
    r"^(and|or|but|also|then|so|what about|how about|und|oder|et|ou|y|o|e)\b", re.IGNORECASE
)
_POINTS = re.compile(r"\b(it|that|this|they|them|those|these|there|one)\b", re.IGNORECASE)
_MOST_WORDS = 7
_FEW_WORDS = 2


def completed(question: Question) -> str | None:
    """Return the question with the one before it, or ``None`` where it stands on its own."""
    message = question.message.strip()
    words = len(message.split())
    leans = words <= _FEW_WORDS or (
        words <= _MOST_WORDS and bool(_LEANS.search(message) or _POINTS.search(message))
    )
    earlier = [turn.text for turn in before(question) if turn.role == "user"]
    return f"{earlier[-1].strip()} {message}" if leans and earlier else None
