"""With which rights does an agent enter its room?"""

from __future__ import annotations

from datetime import timedelta

from livekit import api

from sessions.rooms import AGENT_IDENTITY, RoomTimeouts
from sessions.settings import Settings


def agent_token(settings: Settings, session_id: str) -> str:
    """Sign the LiveKit token with which the agent of a session joins its room."""
    timeouts = RoomTimeouts.of(settings)
    grants = api.VideoGrants(
        room_join=True, room=session_id, agent=True, can_publish=True, can_subscribe=True
    )
    config = api.RoomConfiguration(
        empty_timeout=timeouts.empty, departure_timeout=timeouts.departure, metadata=settings.house
    )
    return (
        api.AccessToken(settings.livekit_api_key, settings.livekit_api_secret.get_secret_value())
        .with_identity(AGENT_IDENTITY)
        .with_kind("agent")
        .with_ttl(timedelta(seconds=settings.token_ttl_seconds))
        .with_grants(grants)
        .with_room_config(config)
        .to_jwt()
    )
