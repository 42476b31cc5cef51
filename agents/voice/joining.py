"""How does an agent get into its room when LiveKit is slow, or away for a moment?"""

from __future__ import annotations

import asyncio

import structlog
from livekit import rtc

from agents.voice.tokens import agent_token
from sessions.settings import Settings
from sessions.tracing import span

log = structlog.get_logger(__name__)

_RETRY_PAUSE_SECONDS = 0.5
_ATTEMPT_SECONDS = 5.0
_ONE_CONNECTION_FOR_BOTH_WAYS = False
"""It would be negotiated once to join and once more to publish, and the voice would be late."""


class RoomUnreachableError(Exception):
    """LiveKit stayed away, or refused, for as long as an agent keeps trying."""


def room_options(connect_timeout: float) -> rtc.RoomOptions:
    """Return how an agent connects to a room."""
    return rtc.RoomOptions(
        connect_timeout=connect_timeout, single_peer_connection=_ONE_CONNECTION_FOR_BOTH_WAYS
    )


async def join(room: rtc.Room, settings: Settings, session_id: str) -> None:
    """Connect ``room``, trying again for ``livekit_retry_seconds``.

    Raises:
        RoomUnreachableError: LiveKit stayed away.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + settings.livekit_retry_seconds
    token = agent_token(settings, session_id)
    while True:
        left = max(deadline - clock(), 0.1)
        options = room_options(min(left, _ATTEMPT_SECONDS))
        try:
            with span("join"):
                await room.connect(settings.livekit_url, token, options)
            return
        except rtc.ConnectError as error:
            log.warning("room_not_joined", error=str(error))
            if clock() + _RETRY_PAUSE_SECONDS >= deadline:
                tried = f"for {settings.livekit_retry_seconds:.0f} s"
                raise RoomUnreachableError(
                    f"The room could not be joined {tried}: {error}"
                ) from error
        await asyncio.sleep(_RETRY_PAUSE_SECONDS)
