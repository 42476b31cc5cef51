"""Which web pages may call from a browser?"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Flask, Request
from flask_cors import CORS

from sessions.errors import NotAllowedError
from sessions.settings import Mode, Settings

_LOCALHOST = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?\Z")
_METHODS = ("GET", "POST", "PATCH", "DELETE", "OPTIONS")
_LOCAL_NAME = re.compile(
    r"(([a-z0-9-]+\.)*localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?\Z", re.IGNORECASE
)
_CHANGES_NOTHING = {"GET", "HEAD", "OPTIONS"}
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


def check_page(incoming: Request, settings: Settings) -> None:
    """Turn away what a foreign page does in the name of whoever sits here; for calls without a key.

    A browser sends a form, or plain text, to any server on this machine without asking first, and
    a name of somebody else's may suddenly mean this machine.

    Raises:
        NotAllowedError: it is asked by a name that is not ours, or by a page that may not.
    """
    public = urlsplit(settings.public_url)
    if _LOCAL_NAME.match(incoming.host) is None and incoming.host != public.netloc:
        raise NotAllowedError(
            f"Without a key, this house answers to localhost only, not to {incoming.host[:80]}; "
            "SWITCHBOARD_PUBLIC_URL names another address."
        )
    site = incoming.headers.get("Sec-Fetch-Site")
    if incoming.method in _CHANGES_NOTHING or site in {"same-origin", "none"}:
        return
    if site is not None and "Origin" not in incoming.headers:
        raise NotAllowedError("Other pages may not do this here.")
    check_origin(incoming, settings)


def check_origin(incoming: Request, settings: Settings) -> None:
    """Turn away a foreign page, where browsers let it in without asking: a WebSocket, a form.

    Raises:
        NotAllowedError: the page comes from an origin that may not call.
    """
    origin = incoming.headers.get("Origin")
    if origin is None:
        return
    # A proxy that ends TLS does not always say so, and then only the setting knows of https.
    public = urlsplit(settings.public_url)
    own = (incoming.host_url.rstrip("/"), f"{public.scheme}://{public.netloc}")
    if origin in (*own, *settings.cors_origins):
        return
    if settings.mode is Mode.DEVELOPMENT and _LOCALHOST.match(origin):
        return
    raise NotAllowedError(
        f"Pages of {origin} may not do this here; SWITCHBOARD_CORS_ORIGINS lets them in."
    )
