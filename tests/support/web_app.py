"""The web front with its sockets, whether or not the factory gives it any yet."""

from __future__ import annotations

from flask import Flask

from orchestrator import app, sockets


def create_app() -> Flask:
    """Return the app that the tests serve."""
    front = app.create_app()
    if "sockets" not in front.blueprints:
        sockets.register(front)
    return front
