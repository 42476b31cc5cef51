"""Which phonemes are to be said, and in how large pieces?

hibari itself reads numbers, times, money, dates, units, addresses and typographic quotes. What is
left to do: take out what no reader sees, and cut what is too long for one run of the network.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from hibari import Hibari

_LONGEST = 400  # Phonemes in one run: some 25 s of speech and 60 MB of spectra.
_INVISIBLE = {"Cf", "Co", "Cs", "Cn"}
_BREAKS = (re.compile(r"(?<=[,;:—])\s+"), re.compile(r"\s+"))


def phrases(model: Hibari, text: str, speed: float) -> Iterator[str]:
    """Yield the phonemes of each sentence of ``text`` that can be said, one run's worth at a time.

    Slow speech (``speed`` below 1) is longer, and therefore cut into smaller pieces.
    """
    longest = int(_LONGEST * min(speed, 1.0))
    for sentence in model.split_sentences(visible(text)):
        phonemes = model.g2p(sentence)
        if any(character.isalpha() for character in phonemes):
            yield from cut(phonemes, longest)


def visible(text: str) -> str:
    """Return ``text`` in composed form (NFC), without zero-width and other invisible characters."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(c for c in composed if unicodedata.category(c) not in _INVISIBLE)


def cut(phonemes: str, longest: int) -> list[str]:
    """Cut at clauses, where that does not suffice at words, and else anywhere."""
    pieces = [phonemes]
    for where in _BREAKS:
        pieces = [part for piece in pieces for part in _packed(piece, where, longest)]
    return [piece[at : at + longest] for piece in pieces for at in range(0, len(piece), longest)]


def _packed(piece: str, where: re.Pattern[str], longest: int) -> list[str]:
    """Split ``piece`` and join neighbours again as long as they fit together."""
    if len(piece) <= longest:
        return [piece]
    packed: list[str] = []
    for part in where.split(piece):
        if packed and len(packed[-1]) + 1 + len(part) <= longest:
            packed[-1] += f" {part}"
        else:
            packed.append(part)
    return packed
