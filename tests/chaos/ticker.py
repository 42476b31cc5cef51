"""Who speaks in the light calls? An agent that counts aloud, so that its caller always hears it.

The next one goes on counting where the history says that the last one was.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from livekit.agents import Agent

from agents.assistant import chat_context
from sessions.history import Turn
from sessions.models import SessionConfig

_PAUSE_SECONDS = 1.0
_SAID = re.compile(r"tick (\d+)\.")


class Ticker(Agent):
    """Counts from ``first`` for as long as the call lasts."""

    def __init__(self, first: int, history: Sequence[Turn]) -> None:
        super().__init__(instructions="I count.", chat_ctx=chat_context(history))
        self._next = first
        self._counting: asyncio.Task[None] | None = None

    async def on_enter(self) -> None:
        self._counting = asyncio.create_task(self._count())

    async def on_exit(self) -> None:
        if self._counting is not None:
            self._counting.cancel()

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            handle = self.session.say(f"tick {self._next}.")
            await handle.wait_for_playout()
            if not handle.interrupted:
                self._next += 1


def make_ticker(config: SessionConfig, history: Sequence[Turn]) -> Agent:
    """Return an agent that goes on where the one before it was lost."""
    counted = counts([turn.text for turn in history if not turn.interrupted])
    return Ticker(max(counted, default=0) + 1, history)


def counts(texts: Sequence[str]) -> list[int]:
    """Return the numbers that were said to their end, in order."""
    return [int(said[1]) for text in texts if (said := _SAID.fullmatch(text.strip()))]
