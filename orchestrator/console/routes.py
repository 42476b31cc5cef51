"""Where does a browser find the console?"""

from __future__ import annotations

import json
from pathlib import Path

from flask import Blueprint, Response

from orchestrator.http.pages import send_page_file
from orchestrator.services import services
from sessions.settings import Mode

_FILES = Path(__file__).parent / "static"

blueprint = Blueprint("console", __name__)


@blueprint.get("/")
def page() -> Response:
    """Return the page."""
    return send_page_file(_FILES, "index.html")


@blueprint.get("/console/door")
def door() -> Response:
    """Tell whether the page has to ask for a key, so that it need not find out by a refusal."""
    needs_key = services().settings.mode is Mode.PRODUCTION
    return Response(json.dumps({"needsKey": needs_key}), content_type="application/json")


@blueprint.get("/console/<path:name>")
def file(name: str) -> Response:
    """Return a file of the page."""
    return send_page_file(_FILES, name)
