"""How is what a caller last asked said in a few words, so that it sounds right?

``in_their_words`` works in any language. ``topic`` knows some ways to ask in English and words them
as what follows "about"; a question that it does not know it quotes. What a caller has only stated,
a number or a name perhaps, is never said back to them.
"""

from __future__ import annotations

import re

_MOST_WORDS = 14
_FEWEST_WORDS = 3
"""Of what is quoted: "Why?" and "And you?" say nothing without what went before."""

_ASKED = ("?", "？")
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
_SMALL_TALK = re.compile(
    r"(?:how are you|who is this|what did you say|what was that"
    r"|(?:can|do) you (?:still )?hear me|are you (?:still )?there|is (?:anybody|anyone) there"
    r"|(?:can|could|would) you (?:please )?(?:repeat|say) (?:that|it)(?: again)?)"
    r"(?: today)?(?:,? please)?\W*",
    re.IGNORECASE,
)
_TWO_QUESTIONS = re.compile(
    r"\b(?:do|does|did|are|is|was|were|have|has) (?:you|i)\b", re.IGNORECASE
)

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
        (r"(?:i need|i want|(?:i would|i'd) like) to (.+)", "whether you can {0}"),
        (rf"how long does ({_NP}) take", "how long {0} takes"),
        (r"do you (.+)", "whether we {0}"),
        (r"do i (.+)", "whether you {0}"),
        (r"are you (.+)", "whether we are {0}"),
        (r"(when|where|why) are you( .+)?", "{0} we are{1}"),
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
    return _short(_last_asked(text))


def topic(text: str) -> str:
    """Return what follows "You were asking about" for an English ``text``, or nothing."""
    sentence = _last_asked(text)
    if _SMALL_TALK.fullmatch(sentence):
        return ""
    words = _short(sentence)
    plain = _PLEASE.sub("", words.rstrip(".!?"))
    for pattern, wording in _PATTERNS:
        found = None if plain.endswith("…") else pattern.fullmatch(plain)
        if found and not any(map(_TWO_QUESTIONS.search, found.groups(""))):
            return wording.format(*(_from_here(part) for part in found.groups("")))
    asked = sentence.endswith(_ASKED) and len(words.split()) >= _FEWEST_WORDS
    return f"this: {words}" if asked else ""


def _last_asked(text: str) -> str:
    sentences = [_bare(sentence) for sentence in _SENTENCES.split(" ".join(text.split()))]
    said = [sentence for sentence in sentences if sentence.strip(".!?。！？ ")]
    asked = [sentence for sentence in said if sentence.endswith(_ASKED)] or said
    return asked[-1] if asked else ""


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
