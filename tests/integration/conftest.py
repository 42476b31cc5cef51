"""The web front in this process, for the tests that call it without a server."""

from tests.fixtures.http import app, broker, client, guarded, make_key, production, revoke

__all__ = ["app", "broker", "client", "guarded", "make_key", "production", "revoke"]
