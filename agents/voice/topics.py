"""How is what a caller last asked said in a few words, so that it sounds right?

``in_their_words`` works in any language. ``topic`` knows some ways to ask in English and words them
as what follows "about"; whatever it does not know it quotes.
"""

from __future__ import annotations

import re

_MOST_WORDS = 14
_NP = r"(?:your|the|my|our|this|that|these|those|a|an|any|some) .+"
_CLAUSE = rf"(?:{_NP}|(?:you|i|we|it|they|there) .+)"
_ASKING = r"(?:what time|what|where|when|why|how long|how much|how often|how|which|whether|if)"
_MODAL = r"(?:can|could|may|might|must|should|will|would)"

_SENTENCES = re.compile(r"(?<=[.!?。！？])\s+")
_LEAD_IN = re.compile(
    r"(?:hi|hello|hey|yes|yeah|no|ok|okay|well|so|um|uh|and|but|oh|please|excuse me|sorry|thanks"
    r"|thank you|right|good (?:morning|day|afternoon|evening)"
    r"|(?:can|could|would|will) you (?:please )?(?:tell|explain to) me|(?:please )?tell me"
    r"|do you know|i need to know|(?:i'd like|i would like|i want|i wanted) to (?:know|ask)"
    r"|i(?: was|'m| am)(?: just)? wondering|(?:may|can|could) i ask(?: you)?"
    r"|i have a question|my question is)\b[\s,.!:]*",
    re.IGNORECASE,
)
_PLEASE = re.compile(r",? please$", re.IGNORECASE)

_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE), wording)
    for pattern, wording in (
        (r"(?:(?:what|how|more|something|anything|everything|all) )?about (.+)", "{0}"),
        (rf"(?:what(?:'s| is| are| was| were)) ({_NP})", "{0}"),
        (rf"where(?:'s| is) ({_NP})", "where {0} is"),
        (rf"where are ({_NP})", "where {0} are"),
        (r"(?:what|how much) does it cost(.*)", "what it costs{0}"),
        (rf"(?:what|how much) (?:does|do) ({_NP}) cost", "the price of {0}"),
        (rf"how much (?:is|are) ({_NP})", "the price of {0}"),
        (rf"(?:do you (?:have|sell|offer)|(?:is|are) there) ({_NP})", "{0}"),
        (rf"(?:i need|i want|(?:i would|i'd) like) ({_NP})", "{0}"),
        (rf"how long does ({_NP}) take", "how long {0} takes"),
        (r"do you (.+)", "whether we {0}"),
        (rf"({_MODAL}) i (.+)", "whether you {0} {1}"),
        (rf"({_MODAL}) you (.+)", "whether we {0} {1}"),
        (rf"({_ASKING}) do you (.+)", "{0} we {1}"),
        (rf"({_ASKING}) do i (.+)", "{0} you {1}"),
        (rf"({_ASKING}) ({_MODAL}) i (.+)", "{0} you {1} {2}"),
        (rf"({_ASKING}) ({_MODAL}) you (.+)", "{0} we {1} {2}"),
        (rf"({_ASKING}) you (.+)", "{0} we {1}"),
        (rf"({_ASKING} {_CLAUSE})", "{0}"),
    )
)
_FROM_HERE = {
    "your": "our",
    "yours": "ours",
    "you": "us",
    "my": "your",
    "mine": "yours",
    "i": "you",
    "me": "you",
    "i'm": "you're",
    "i've": "you've",
    "myself": "yourself",
    "am": "are",
    "our": "your",
    "us": "you",
    "we": "you",
}


def in_their_words(text: str) -> str:
    """Return the last thing asked in ``text``, shortened, or nothing if nothing is asked."""
    sentences = [_bare(sentence) for sentence in _SENTENCES.split(" ".join(text.split()))]
    said = [sentence for sentence in sentences if sentence.strip(".!?。！？ ")]
    asked = [sentence for sentence in said if sentence.endswith(("?", "？"))] or said
    return _short(asked[-1]) if asked else ""


def topic(text: str) -> str:
    """Return what follows "You were asking about" for an English ``text``, or nothing."""
    words = in_their_words(text)
    if not words or (len(words.split()) < 3 and not words.endswith(("?", "？"))):
        return ""
    plain = _PLEASE.sub("", words.rstrip(".!?"))
    for pattern, wording in _PATTERNS:
        if (found := pattern.fullmatch(plain)) and not plain.endswith("…"):
            return wording.format(*(_from_here(part) for part in found.groups()))
    return f"this: {words}"


def _bare(sentence: str) -> str:
    """Return a sentence without what people say before they come to the point."""
    while (found := _LEAD_IN.match(sentence)) and found.end():
        sentence = sentence[found.end() :]
    return sentence.strip()


def _short(sentence: str) -> str:
    words = sentence.split()
    if len(words) <= _MOST_WORDS:
        return sentence
    return " ".join(words[:_MOST_WORDS]).rstrip(",;:") + " …"


def _from_here(part: str) -> str:
    """Return a caller's words as the agent says them: what is yours there is ours here."""
    first, *rest = part.split(" ")
    if re.fullmatch(rf"{_ASKING}|{_MODAL}", first, re.IGNORECASE):
        first = first.lower()
    return " ".join(_FROM_HERE.get(word.lower(), word) for word in [first, *rest])
