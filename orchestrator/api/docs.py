"""The API, described for programs (`/openapi.json`) and for people (`/docs`).

The page is Swagger UI from its Python package: it needs no other host.
"""

from __future__ import annotations

from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, current_app, jsonify, send_from_directory

from orchestrator.access.auth import authenticate_request
from orchestrator.http import openapi
from orchestrator.services import services
from sessions.version import version

blueprint = Blueprint("docs", __name__)

_EXTENSION = "switchboard-openapi"
_ASSETS = Path(flask_swagger_ui.__file__).parent / "dist"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Switchboard API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png" sizes="32x32">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
});
"""


@blueprint.before_request
def _admit() -> None:
    if not services().settings.open_docs:
        authenticate_request()


@blueprint.get("/openapi.json")
def document() -> Response:
    """Return the OpenAPI document."""
    app = current_app
    if _EXTENSION not in app.extensions:
        app.extensions[_EXTENSION] = openapi.build(app, services(), version())
    return jsonify(app.extensions[_EXTENSION])


@blueprint.get("/docs")
def page() -> Response:
    """Return the page that shows the document."""
    return _guarded(Response(_PAGE, content_type="text/html; charset=utf-8"))


@blueprint.get("/docs/start.js")
def start() -> Response:
    """Return the script that starts the page; the policy forbids scripts inside it."""
    return _guarded(Response(_START, content_type="text/javascript; charset=utf-8"))


@blueprint.get("/docs/<path:name>")
def asset(name: str) -> Response:
    """Return one of Swagger UI's files."""
    return _guarded(send_from_directory(_ASSETS, name, max_age=3600))


def _guarded(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    return response
