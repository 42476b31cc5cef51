"""The figures, for Prometheus."""

from __future__ import annotations

from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST

from orchestrator.health.metrics import figures_of
from orchestrator.http.operations import Operation, documented

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@documented(Operation("Figures for Prometheus", "house", {200: "text/plain"}, public=True))
def metrics() -> Response:
    """Return the figures of all web processes, and those of the house."""
    figures = figures_of(current_app)
    return Response(figures.exposition(), content_type=CONTENT_TYPE_LATEST)
