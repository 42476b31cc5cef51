"""Has our livekit-server signed this webhook?

It signs with the API key a short-lived token that holds the hash of the body, byte by byte.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from hashlib import sha256
from typing import Any

import jwt

from sessions.errors import NotAuthenticatedError
from sessions.settings import Settings

_LEEWAY_SECONDS = 60
"""How far its clock may be from ours; LiveKit grants itself the same."""


def check_signature(authorization: str, content: bytes, settings: Settings) -> None:
    """Return if ``authorization`` is LiveKit's signature of ``content``.

    Raises:
        NotAuthenticatedError: it is not.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            authorization.removeprefix("Bearer "),
            settings.livekit_api_secret.get_secret_value(),
            algorithms=["HS256"],
            issuer=settings.livekit_api_key,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "iss"]},
        )
    except jwt.PyJWTError as error:
        raise _refusal() from error
    signed = claims.get("sha256")
    expected = b64encode(sha256(content).digest())
    if not isinstance(signed, str) or not hmac.compare_digest(signed.encode(), expected):
        raise _refusal()


def _refusal() -> NotAuthenticatedError:
    return NotAuthenticatedError("This is not signed by this house's livekit-server.")
