"""Which settings does a command run with, and where is the web front it talks to?"""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import click

if TYPE_CHECKING:
    from sessions.settings import Settings

_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, never bound


def load_settings() -> Settings:
    """Return the settings of this moment; each one that is wrong is named, and what is wrong."""
    from pydantic import ValidationError

    from sessions.settings import Settings, explain

    try:
        return Settings()
    except ValidationError as error:
        raise click.ClickException(explain(error)) from None


def web_url(settings: Settings) -> str:
    """Return where the web front of these settings answers."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = _ANY_ADDRESS.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def without_password(url: str) -> str:
    """Return ``url`` as it may be shown to anybody."""
    parts = urlsplit(url)
    if not parts.password:
        return url
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:***@{host}"))


def login_name() -> str:
    """Return who uses this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "caller"
