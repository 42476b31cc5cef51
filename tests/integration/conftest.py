"""The web front, for the tests that need it: called in this process, or served."""

from tests.fixtures.http import app, broker, client, guarded, make_key, production, revoke
from tests.fixtures.web import serve_web, web

__all__ = [
    "app",
    "broker",
    "client",
    "guarded",
    "make_key",
    "production",
    "revoke",
    "serve_web",
    "web",
]
