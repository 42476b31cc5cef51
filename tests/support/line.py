"""What happens on a line: what is the agent to say, what is heard of it, and what is told?"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

from sessions.keys import SessionKeys
from sessions.models import Session
from tests.support.annex import Annex
from tests.support.caller import Caller
from tests.support.speech import Words, understood


async def dial(small: Annex, line: str) -> Session:
    """Start a session whose agent opens with ``line``, and wait until it can."""
    session = await asyncio.to_thread(small.start, openingLine=line, voiceId="Craig")
    await asyncio.to_thread(small.wait_until_ready, session)
    return session


@dataclass
class Line:
    """A call in progress, from both of its ends."""

    small: Annex
    session: Session
    caller: Caller

    def tell(self, text: str) -> float:
        """Let the agent say something; return the moment."""
        order: dict[Any, Any] = {"command": "say", "data": json.dumps({"text": text})}
        self.small.context.redis.xadd(SessionKeys.of(self.session.id).control, order)
        return time.monotonic()

    def errors(self) -> list[dict[str, Any]]:
        """Return the errors that everybody who follows the session is told."""
        events = self.small.events(self.session.id)
        return [dict(event.data) for event in events if event.type == "error"]

    def said(self, speaker: str) -> list[str]:
        """Return what one side has said, as the events tell it."""
        told = [e.data for e in self.small.events(self.session.id) if e.type == "transcript"]
        return [data["text"] for data in told if data["final"] and data["speaker"] == speaker]

    async def hears_from(self, moment: float, inference_url: str) -> Words:
        """Return the words that are heard from a moment to the next pause."""
        began = await self.caller.hears_after(moment)
        ended = await self.caller.hears_silence_after(began, pause=3.5)
        return await self._understood(began - 0.2, ended + 0.2, inference_url)

    async def _understood(self, start: float, end: float, inference_url: str) -> Words:
        samples = self.caller.hearing.between(start, end)
        return await asyncio.to_thread(understood, inference_url, samples)
