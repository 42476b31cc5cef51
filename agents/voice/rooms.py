"""Which rooms does livekit-server hold for us, who talks there, and how is one taken down?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
from livekit import api
from livekit.protocol import models

from sessions.ids import is_session_id
from sessions.settings import Settings

_ASKED_AT_ONCE = 16
_ON_BEHALF = "lk.publish_on_behalf"
"""What an avatar says of itself: it is the face of an agent, not a second one."""

_TIMEOUT = aiohttp.ClientTimeout(total=2)

LiveKitErrors = (api.TwirpError, aiohttp.ClientError, TimeoutError)
"""What the functions here raise when LiveKit is away or refuses."""


@dataclass(frozen=True, slots=True)
class RoomSeen:
    """One room of this house, and the identities of the agents in it."""

    name: str
    agents: frozenset[str]


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


async def remove_participant(settings: Settings, session_id: str, identity: str) -> bool:
    """Send somebody out of a room; tell whether they were there."""
    async with _livekit(settings) as livekit:
        who = api.RoomParticipantIdentity(room=session_id, identity=identity)
        try:
            await livekit.room.remove_participant(who)
        except api.TwirpError as error:
            if error.code == api.TwirpErrorCode.NOT_FOUND:
                return False
            raise
    return True


async def room_names(settings: Settings) -> list[str]:
    """Return the names of all rooms that are a session's of this house."""
    async with _livekit(settings) as livekit:
        return [room.name for room in await _rooms(livekit, settings, [])]


async def look_into(settings: Settings, names: Sequence[str]) -> dict[str, RoomSeen]:
    """Return those of the rooms ``names`` that are there and of this house, with their agents."""
    turns = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def look(livekit: api.LiveKitAPI, name: str) -> RoomSeen | None:
        async with turns:
            try:
                reply = await livekit.room.list_participants(api.ListParticipantsRequest(room=name))
            except api.TwirpError as error:
                if error.code == api.TwirpErrorCode.NOT_FOUND:
                    return None
                raise
        return RoomSeen(name, frozenset(p.identity for p in reply.participants if _talks(p)))

    if not names:
        return {}
    async with _livekit(settings) as livekit:
        rooms = await _rooms(livekit, settings, names)
        seen = await asyncio.gather(*[look(livekit, room.name) for room in rooms])
    return {room.name: room for room in seen if room is not None}


async def _rooms(
    livekit: api.LiveKitAPI, settings: Settings, names: Sequence[str]
) -> list[models.Room]:
    reply = await livekit.room.list_rooms(api.ListRoomsRequest(names=names))
    return [
        room for room in reply.rooms if is_session_id(room.name) and room.metadata == settings.house
    ]


def _talks(participant: models.ParticipantInfo) -> bool:
    return (
        participant.kind == models.ParticipantInfo.Kind.AGENT
        and participant.state != models.ParticipantInfo.State.DISCONNECTED
        and _ON_BEHALF not in participant.attributes
    )


def _livekit(settings: Settings) -> api.LiveKitAPI:
    return api.LiveKitAPI(
        settings.livekit_url,
        settings.livekit_api_key,
        settings.livekit_api_secret.get_secret_value(),
        timeout=_TIMEOUT,
    )
