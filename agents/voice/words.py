"""Which words of the agent have been heard so far? They are told while it speaks."""

from __future__ import annotations

import time
from collections.abc import Callable

from livekit.agents.voice import io

_EVERY_SECONDS = 0.5
"""A word is spoken every third of a second; nobody reads as closely as that."""


class Words(io.TextOutput):
    """Where the session writes each word of the agent's at the moment it is spoken."""

    def __init__(self, tell: Callable[[str, int], None]) -> None:
        super().__init__(label="words", next_in_chain=None)
        self._tell = tell
        self._utterance = 1
        self._begin()

    async def capture_text(self, text: str) -> None:
        """Take in a word; tell what has been said so far, unless that was told just now."""
        self._text += text
        now = time.monotonic()
        if self._text.strip() and now - self._told_at >= _EVERY_SECONDS:
            self._told_at = now
            self._tell(self._text.strip(), self._utterance)

    def flush(self) -> None:
        """Take note that the agent has stopped speaking."""
        self._utterance += 1
        self._begin()

    def _begin(self) -> None:
        self._text = ""
        self._told_at = 0.0
