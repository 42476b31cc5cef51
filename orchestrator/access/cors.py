"""Which web pages may call from a browser?"""

from __future__ import annotations

import re

from flask import Flask, Request
from flask_cors import CORS

from sessions.errors import NotAllowedError
from sessions.settings import Mode, Settings

_LOCALHOST = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?\Z")
_METHODS = ("GET", "POST", "PATCH", "DELETE", "OPTIONS")
_MAY_SEND = (
    *("Authorization", "Content-Type", "Prefer", "If-Match"),
    *("X-Session-ID", "X-Correlation-ID"),
)
_MAY_READ = (
    "X-Session-ID",
    "X-Session-Token",
    "X-Correlation-ID",
    "Location",
    "ETag",
    "Link",
    "Allow",
    "Accept-Post",
    "Accept-Patch",
    "Retry-After",
    "Idempotent-Replay",
    "Preference-Applied",
)


def register(app: Flask, settings: Settings) -> None:
    """Let the origins of the settings in, and any on localhost in development.

    Bearers travel in a header that the page sets itself, so no cookies are allowed.
    """
    origins: list[str | re.Pattern[str]] = [*settings.cors_origins]
    if settings.mode is Mode.DEVELOPMENT:
        origins.append(_LOCALHOST)
    if origins:
        CORS(
            app,
            origins=origins,
            methods=list(_METHODS),
            allow_headers=list(_MAY_SEND),
            expose_headers=list(_MAY_READ),
            max_age=600,
        )


def check_origin(incoming: Request, settings: Settings) -> None:
    """Turn away a foreign page's WebSocket, to which browsers do not apply CORS.

    Raises:
        NotAllowedError: the page comes from an origin that may not call.
    """
    origin = incoming.headers.get("Origin")
    if origin is None or origin in (incoming.host_url.rstrip("/"), *settings.cors_origins):
        return
    if settings.mode is Mode.DEVELOPMENT and _LOCALHOST.match(origin):
        return
    raise NotAllowedError(
        f"Pages of {origin} may not open a socket here; SWITCHBOARD_CORS_ORIGINS lets them in."
    )
