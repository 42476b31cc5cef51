"""How is LiveKit's own ``AgentServer`` started and given jobs?"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from livekit import api

from tests.fixtures.house import House
from tests.support.processes import running
from tests.support.settings import environment_of

AGENT_NAME = "bench"
JOIN = "join"
CONVERSE = "converse"


@dataclass(frozen=True)
class Contender:
    """A running ``AgentServer``; ``pid`` is its main process."""

    pid: int
    livekit: api.LiveKitAPI

    async def dispatch(self, room: str, metadata: str) -> None:
        """Ask for an agent in a room."""
        await self.livekit.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(agent_name=AGENT_NAME, room=room, metadata=metadata)
        )


@asynccontextmanager
async def agent_server(house: House) -> AsyncIterator[Contender]:
    """Run ``bench.agent_server`` for the house's media server until it takes jobs."""
    settings = house.settings
    secret = settings.livekit_api_secret.get_secret_value()
    log = house.folder / "agent-server.log"
    offset = log.stat().st_size if log.exists() else 0
    with running(
        "agent server",
        [sys.executable, "-m", "bench.agent_server", "start"],
        log,
        lambda: b"registered worker" in log.read_bytes()[offset:],
        within=60,
        environment={
            **environment_of(settings),
            "LIVEKIT_URL": settings.livekit_url,
            "LIVEKIT_API_KEY": settings.livekit_api_key,
            "LIVEKIT_API_SECRET": secret,
        },
    ) as child:
        livekit = api.LiveKitAPI(settings.livekit_url, settings.livekit_api_key, secret)
        try:
            yield Contender(child.pid, livekit)
        finally:
            await livekit.aclose()
