"""`/v1/models`: what can be asked of this server?"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from inference.catalogue import MODELS, find_model

models = Blueprint("models", __name__)


@models.get("/v1/models")
def list_models() -> Response:
    """Answer all models."""
    return jsonify(object="list", data=[model.as_json() for model in MODELS.values()])


@models.get("/v1/models/<name>")
def show_model(name: str) -> Response:
    """Answer one model, or 404."""
    return jsonify(find_model(name).as_json())
