"""Can the LLM answer from what it was given? Where it cannot it says a marker that nobody hears."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator

from agents.knowledge.answers import REFUSAL

MARKER = "[NO_ANSWER]"

_MARKER = re.compile(re.escape(MARKER), re.IGNORECASE)


class MarkerFilter:
    """Lets a stream of tokens through, and puts the honest refusal where the marker comes.

    Nothing that may be the beginning of the marker is let through before it is clear that it is
    not; after the marker nothing is.
    """

    def __init__(self) -> None:
        self.refused = False
        self._held = ""
        self._said = False

    def feed(self, token: str) -> str:
        """Return what may be said now that ``token`` has come."""
        if self.refused:
            return ""
        text = self._held + token
        before = before_marker(text)
        if before is not None:
            self.refused, self._held = True, ""
            return self._out(before) + self._refusal()
        keep = _beginning_of_marker(text)
        self._held = text[len(text) - keep :]
        return self._out(text[: len(text) - keep])

    def end(self) -> str:
        """Return what was held back and turned out not to be the marker."""
        rest, self._held = self._held, ""
        return self._out(rest)

    def _out(self, text: str) -> str:
        if not self._said:
            text = text.lstrip()
        self._said = self._said or bool(text)
        return text

    def _refusal(self) -> str:
        return f" {REFUSAL}" if self._said else REFUSAL


def before_marker(text: str) -> str | None:
    """Return what stands before the marker, or ``None`` if there is no marker."""
    found = _MARKER.search(text)
    return text[: found.start()] if found else None


async def without_marker(
    tokens: AsyncIterable[str], marker: MarkerFilter | None = None
) -> AsyncIterator[str]:
    """Pass tokens on as an answer may be spoken; ``marker`` tells afterwards if it is a refusal."""
    marker = marker or MarkerFilter()
    async for token in tokens:
        if out := marker.feed(token):
            yield out
        if marker.refused:
            return
    if out := marker.end():
        yield out


def _beginning_of_marker(text: str) -> int:
    """Return how many characters at the end of ``text`` may be the beginning of the marker."""
    longest = min(len(MARKER) - 1, len(text))
    return next((n for n in range(longest, 0, -1) if text[-n:].upper() == MARKER[:n]), 0)
