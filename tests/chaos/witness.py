"""What does a client see that follows a session from its first moment to its end?

It changes to the other web front whenever its socket is closed, and goes on after the last event it
has seen.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from sessions.events import BEGINNING

_PAUSE = 0.25
_HANDSHAKE = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True, slots=True)
class Seen:
    """One event as it came over a socket; ``at`` is Unix time."""

    id: str
    type: str
    data: dict[str, Any]
    at: float


@dataclass
class Witness:
    """Follows one session."""

    session_id: str
    fronts: Sequence[str]
    seen: list[Seen] = field(default_factory=list[Seen])
    resumes: int = 0
    trouble: str | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self, http: aiohttp.ClientSession, first: int) -> None:
        """See everything up to the end, beginning at the front number ``first``."""
        for number in itertools.count(first):
            front = self.fronts[number % len(self.fronts)]
            try:
                await self._watch(http, front)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                if isinstance(error, aiohttp.WSServerHandshakeError) and error.status in (404, 410):
                    self.trouble = f"the socket was refused with {error.status}"
                    self.ended.set()
            if self.ended.is_set():
                return
            self.resumes += 1
            await asyncio.sleep(_PAUSE)

    def of_type(self, kind: str) -> list[Seen]:
        """Return the events of one type."""
        return [event for event in self.seen if event.type == kind]

    async def _watch(self, http: aiohttp.ClientSession, front: str) -> None:
        since = self.seen[-1].id if self.seen else BEGINNING
        async with asyncio.timeout(_HANDSHAKE.total):
            socket = await http.ws_connect(socket_url(front, self.session_id, since))
        async with socket:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._take(json.loads(message.data))

    def _take(self, event: dict[str, Any]) -> None:
        if event["type"] == "session_confirmed":
            return
        self.seen.append(Seen(event["id"], event["type"], event["data"], time.time()))
        if event["type"] == "session_ended":
            self.ended.set()


async def replay(http: aiohttp.ClientSession, front: str, session_id: str) -> list[tuple[str, str]]:
    """Return the ids and types of all that a new socket is told of an ended session."""
    told: list[tuple[str, str]] = []
    async with http.ws_connect(socket_url(front, session_id, BEGINNING)) as socket:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                event = json.loads(message.data)
                if event["type"] != "session_confirmed":
                    told.append((event["id"], event["type"]))
    return told


def socket_url(front: str, session_id: str, since: str) -> str:
    """Return where a session is followed."""
    return f"{front.replace('http', 'ws', 1)}/ws/{session_id}?since={since}"
