"""What is the web front made of?"""

from __future__ import annotations

from flask import Flask

from orchestrator import console, dashboard, sockets
from orchestrator.access import cors
from orchestrator.access.exposure import check_exposure
from orchestrator.api import chat, docs, events, house, listening, livekit, queue, sessions
from orchestrator.api import metrics as metrics_api
from orchestrator.health import metrics
from orchestrator.http import around, problems
from orchestrator.http.bodies import READ_AT_MOST
from orchestrator.http.converters import SessionReference
from orchestrator.services import EXTENSION, Services
from orchestrator.whip import routes as whip
from sessions.logs import configure_logging
from sessions.providers import check_providers
from sessions.settings import Settings, get_settings
from sessions.tracing import start_tracing


def create_app(settings: Settings | None = None) -> Flask:
    """Return the web front; without ``settings`` it is a server's, and logs as one.

    Raises:
        ConfigurationError: as configured, no call could work, or it would let in whoever comes.
    """
    if settings is None:
        settings = get_settings()
        configure_logging(settings)
    check_providers(settings)
    start_tracing(settings, "web")
    services = Services.build(settings)
    check_exposure(settings, services.apikeys)

    app = Flask("orchestrator", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = READ_AT_MOST
    app.url_map.converters["session"] = SessionReference
    app.extensions[EXTENSION] = services
    app.extensions[metrics.EXTENSION] = metrics.RequestFigures(services)
    around.register(app)
    problems.register(app)
    cors.register(app, settings)
    for resource in (
        *(sessions, queue, chat, events, listening, livekit),
        *(whip, house, metrics_api, docs, console),
    ):
        app.register_blueprint(resource.blueprint)
    dashboard.register(app)
    sockets.register(app)
    return app
