"""What opens a session's room, and with it the session?

The LiveKit token handed out at start is the session's token: livekit-server lets its holder into
the one room, and the HTTP API into the one session.
"""

from __future__ import annotations

from datetime import timedelta

from jwt import PyJWTError
from livekit.api import AccessToken, TokenVerifier, VideoGrants
from livekit.protocol.room import RoomConfiguration

from sessions import ids
from sessions.models import Session
from sessions.rooms import CALLER_IDENTITY, RoomTimeouts
from sessions.settings import Settings


def sign(session: Session, settings: Settings) -> str:
    """Return a fresh token for the caller of ``session``."""
    timeouts = RoomTimeouts.of(settings)
    token = (
        AccessToken(settings.livekit_api_key, settings.livekit_api_secret.get_secret_value())
        .with_identity(CALLER_IDENTITY)
        .with_name(session.user_name)
        .with_ttl(timedelta(seconds=settings.token_ttl_seconds))
        .with_grants(
            VideoGrants(
                room_join=True,
                room=session.room,
                can_publish=True,
                can_subscribe=True,
                can_publish_data=True,
            )
        )
        .with_room_config(
            RoomConfiguration(empty_timeout=timeouts.empty, departure_timeout=timeouts.departure)
        )
    )
    return token.to_jwt()


def verify(token: str, settings: Settings) -> str | None:
    """Return the session that ``token`` opens, or ``None`` if it opens none."""
    verifier = TokenVerifier(
        settings.livekit_api_key, settings.livekit_api_secret.get_secret_value(), leeway=timedelta()
    )
    try:
        claims = verifier.verify(token)
    except (PyJWTError, ValueError):
        return None
    grants = claims.video
    if grants is None or not grants.room_join or not ids.is_session_id(grants.room):
        return None
    return grants.room
