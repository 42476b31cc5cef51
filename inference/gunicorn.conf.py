"""How is the model server run? One process, so that each model is in memory once; many threads."""  # noqa: N999

from __future__ import annotations

from typing import Any

from inference.logs import logging_config
from inference.settings import load_settings

_settings = load_settings()

bind = f"{_settings.host}:{_settings.port}"
worker_class = "gthread"
workers = 1
threads = _settings.threads
graceful_timeout = _settings.graceful_seconds
keepalive = 75  # Longer than clients keep an idle connection, so that they are the ones to close.
control_socket_disable = True  # It would be one file for all gunicorns of this user.
logconfig_dict = logging_config(_settings)


def post_worker_init(worker: Any) -> None:
    """Load the models before the worker accepts its first connection."""
    worker.wsgi.extensions["engines"].load()  # Not by import: the master needs no models.
