"""The web front in this process, for the tests that call it without a server."""

from tests.fixtures.http import app, broker, client, guarded, make_key, production, revoke
from tests.fixtures.whip import agents, media, whip, whip_front

__all__ = [
    "agents",
    "app",
    "broker",
    "client",
    "guarded",
    "make_key",
    "media",
    "production",
    "revoke",
    "whip",
    "whip_front",
]
