"""What opens a session's room, and with it the session?

The LiveKit token handed out at start is the session's token: livekit-server lets its holder into
the one room, and the HTTP API into the one session. It is signed here without LiveKit's library,
which takes 150 ms to import, and by hand: even PyJWT takes three times as long, at every start.
"""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import jwt

from sessions import ids
from sessions.models import Session
from sessions.rooms import CALLER_IDENTITY, RoomTimeouts
from sessions.settings import Settings

_ALGORITHM = "HS256"
_LOOKING_SECONDS = 60


def _base64(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")


def _encode(part: dict[str, Any]) -> bytes:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


_HEADER = _encode({"alg": _ALGORITHM, "typ": "JWT"})


def sign(session: Session, settings: Settings, attributes: Mapping[str, str] | None = None) -> str:
    """Return a fresh token for the caller of ``session``, good for as long as it can last.

    ``attributes`` are what the agent is to know of a caller who joins with it.
    """
    now = int(time.time())
    timeouts = RoomTimeouts.of(settings)
    claims: dict[str, Any] = {
        "iss": settings.livekit_api_key,
        "sub": CALLER_IDENTITY,
        "name": session.user_name,
        "nbf": now,
        "exp": max(now + settings.token_ttl_seconds, session.expires_at // 1000),
        "video": {
            "roomJoin": True,
            "room": session.room,
            "canPublish": True,
            "canSubscribe": True,
            "canPublishData": True,
        },
        "roomConfig": {
            "emptyTimeout": timeouts.empty,
            "departureTimeout": timeouts.departure,
            "metadata": settings.house,
        },
    }
    if attributes:
        claims["attributes"] = dict(attributes)
    return _signed(claims, settings)


def sign_for_looking(session: Session, settings: Settings) -> str:
    """Return a token for ourselves, with which livekit-server tells who is in a session's room."""
    now = int(time.time())
    claims = {
        "iss": settings.livekit_api_key,
        "nbf": now,
        "exp": now + _LOOKING_SECONDS,
        "video": {"roomAdmin": True, "room": session.room},
    }
    return _signed(claims, settings)


def _signed(claims: dict[str, Any], settings: Settings) -> str:
    content = b".".join((_HEADER, _encode(claims)))
    secret = settings.livekit_api_secret.get_secret_value().encode()
    return b".".join((content, _base64(hmac.digest(secret, content, "sha256")))).decode()


def verify(token: str, settings: Settings) -> str | None:
    """Return the session that ``token`` opens, or ``None`` if it opens none."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            settings.livekit_api_secret.get_secret_value(),
            algorithms=[_ALGORITHM],
            issuer=settings.livekit_api_key,
            # The clock of the host that signed may be ahead of ours.
            options={"require": ["exp"], "verify_nbf": False},
        )
    except jwt.PyJWTError:
        return None
    if claims.get("sub") != CALLER_IDENTITY:
        return None
    grants = claims.get("video")
    if not isinstance(grants, dict) or grants.get("roomJoin") is not True:
        return None
    room = grants.get("room")
    return room if isinstance(room, str) and ids.is_session_id(room) else None
