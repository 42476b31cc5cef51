"""Which rooms does livekit-server hold, and how is one taken down?"""

from __future__ import annotations

import aiohttp
from livekit import api

from sessions.settings import Settings

_TIMEOUT = aiohttp.ClientTimeout(total=2)

LiveKitErrors = (api.TwirpError, aiohttp.ClientError, TimeoutError)
"""What the functions here raise when LiveKit is away or refuses."""


async def delete_room(settings: Settings, session_id: str) -> bool:
    """Take a room down, which disconnects everybody in it; tell whether there was one."""
    async with _livekit(settings) as livekit:
        try:
            await livekit.room.delete_room(api.DeleteRoomRequest(room=session_id))
        except api.TwirpError as error:
            if error.code == api.TwirpErrorCode.NOT_FOUND:
                return False
            raise
    return True


async def room_names(settings: Settings) -> list[str]:
    """Return the names of all rooms."""
    async with _livekit(settings) as livekit:
        reply = await livekit.room.list_rooms(api.ListRoomsRequest())
    return [room.name for room in reply.rooms]


def _livekit(settings: Settings) -> api.LiveKitAPI:
    return api.LiveKitAPI(
        settings.livekit_url,
        settings.livekit_api_key,
        settings.livekit_api_secret.get_secret_value(),
        timeout=_TIMEOUT,
    )
