"""When has somebody joined a room and published? When an observer in the room is told so.

The same observer times every contender, so that none is timed by its own clock.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from livekit import api, rtc

from sessions.settings import Settings
from tests.support.processes import ROOT, let_go

BARE_IDENTITY = "bare"
BARE_TRACK = "voice"

_PATIENCE_SECONDS = 20.0


def token(settings: Settings, room: str, identity: str) -> str:
    """Return a LiveKit token for one participant of one room."""
    secret = settings.livekit_api_secret.get_secret_value()
    return (
        api.AccessToken(settings.livekit_api_key, secret)
        .with_identity(identity)
        .with_grants(api.VideoGrants(room_join=True, room=room))
        .to_jwt()
    )


async def until_published(
    settings: Settings, room_name: str, cause: Callable[[], Awaitable[float]]
) -> float:
    """Return the milliseconds from the moment that ``cause`` returns to a track in the room."""
    room = rtc.Room()
    published: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def on_published(*_: object) -> None:
        if not published.done():
            published.set_result(time.monotonic())

    room.on("track_published", on_published)
    options = rtc.RoomOptions(auto_subscribe=False)
    await room.connect(settings.livekit_url, token(settings, room_name, "observer"), options)
    try:
        started = await cause()
        return (await asyncio.wait_for(published, _PATIENCE_SECONDS) - started) * 1000
    finally:
        await room.disconnect()


@dataclass
class Bare:
    """The contender ``bench.bare``: a plain participant, in a process of its own."""

    settings: Settings
    process: asyncio.subprocess.Process
    count: int = 0

    async def join(self) -> float:
        """Let it join a new room and publish; return how long that took, in milliseconds."""
        name = self.new_room()
        return await until_published(self.settings, name, lambda: self.publish(name))

    def new_room(self) -> str:
        """Return the name of a room that nobody has been in."""
        self.count += 1
        return f"bare-{self.process.pid}-{self.count}"

    async def publish(self, room_name: str, **fields: Any) -> float:
        """Let it join a room; return when it began, once it has published."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        where = {
            "url": self.settings.livekit_url,
            "token": token(self.settings, room_name, BARE_IDENTITY),
            **fields,
        }
        self.process.stdin.write(json.dumps(where).encode() + b"\n")
        return float(await self.process.stdout.readline())


@asynccontextmanager
async def bare(settings: Settings, mode: str) -> AsyncIterator[Bare]:
    """Run ``bench.bare`` and let it join once, so that it is warm."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.bare", mode),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    contender = Bare(settings, process)
    try:
        await contender.join()
        yield contender
    finally:
        await let_go(process)
