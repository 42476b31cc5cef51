"""Which voices are there, and what makes each of them sound different?"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("voices.toml")


@dataclass(frozen=True)
class Voice:
    """One speaker; the numbers are multiples of the base voice's own."""

    name: str
    pitch: float
    resonance: float
    tempo: float


class UnknownVoiceError(LookupError):
    """No voice has this name; the message lists those there are."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no voice {name!r}. Known voices: {', '.join(voice_names())}.")


@cache
def voices() -> dict[str, Voice]:
    """Return all voices by their name in lower case, in the order of the alphabet."""
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    return {name.lower(): Voice(name=name, **table[name]) for name in sorted(table)}


def voice_names() -> list[str]:
    """Return the names as people write them."""
    return [voice.name for voice in voices().values()]


def find_voice(name: str) -> Voice:
    """Return the voice called ``name``, in any case; raises `UnknownVoiceError`."""
    try:
        return voices()[name.strip().lower()]
    except KeyError:
        raise UnknownVoiceError(name) from None
