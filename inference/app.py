"""What is the model server? A Flask app, made here, with one engine for each thing it can do."""

from __future__ import annotations

import hmac
from uuid import uuid4

from flask import Flask, Response, jsonify, request

from inference.catalogue import MODELS
from inference.engines import Engines, engines, loaded_engines
from inference.errors import ApiError, register_errors
from inference.logs import configure_logging
from inference.routes.embeddings import embeddings
from inference.routes.models import models
from inference.routes.speech import speech
from inference.routes.transcriptions import transcriptions
from inference.settings import Settings, load_settings


def create_app(settings: Settings | None = None) -> Flask:
    """Make the app; it answers 503 until its engines are loaded: ``engines(app).load()``."""
    settings = settings or load_settings()
    configure_logging()
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.extensions["engines"] = Engines(settings)
    register_errors(app)
    app.register_blueprint(models)
    app.register_blueprint(speech)
    app.register_blueprint(transcriptions)
    app.register_blueprint(embeddings)
    app.add_url_rule("/health", view_func=health)
    app.before_request(_let_go_of_stalled_clients)
    app.after_request(_name)
    if settings.key is not None:
        _ask_for_key(app, settings.key.get_secret_value())
    return app


def health() -> Response:
    """Answer 200 with what is loaded, or 503 while something is not."""
    loaded_engines()
    return jsonify(status="ok", models=list(MODELS))


def _let_go_of_stalled_clients() -> None:
    """Bound how long a read or write may wait for the client; gunicorn would wait for ever."""
    connection = request.environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(engines().settings.stalled_client_seconds)


def _name(response: Response) -> Response:
    """Give an answer an id as OpenAI does: LiveKit's plugins warn of every one without."""
    response.headers["X-Request-Id"] = f"req_{uuid4().hex[:16]}"
    return response


def _ask_for_key(app: Flask, key: str) -> None:
    @app.before_request
    def check_key() -> None:
        if request.path == "/health":
            return
        scheme, _, brought = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(
            brought.strip().encode(), key.encode()
        ):
            message = "This server needs its key: send `Authorization: Bearer <key>`."
            raise ApiError(401, message, code="invalid_api_key")
