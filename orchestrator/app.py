"""What is the web front made of?"""

from __future__ import annotations

from flask import Flask

from orchestrator import around, problems
from orchestrator.api import sessions
from orchestrator.bodies import MAX_BODY_BYTES
from orchestrator.exposure import check_exposure
from orchestrator.services import EXTENSION, Services
from sessions.logs import configure_logging
from sessions.settings import Settings, get_settings


def create_app(settings: Settings | None = None) -> Flask:
    """Return the web front; without ``settings`` it is a server's, and logs as one.

    Raises:
        ConfigurationError: as configured, it would let in whoever comes.
    """
    if settings is None:
        settings = get_settings()
        configure_logging(settings)
    house = Services.build(settings)
    check_exposure(settings, house.apikeys)

    app = Flask("orchestrator", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions[EXTENSION] = house
    around.register(app)
    problems.register(app)
    app.register_blueprint(sessions.blueprint)
    return app
