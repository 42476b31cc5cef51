"""Which models does this server offer, and under which names?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from inference.errors import ApiError

Task = Literal["speech"]


@dataclass(frozen=True)
class Model:
    """One name that a client may ask for; several names can lead to the same weights."""

    id: str
    task: Task
    owner: str
    created: int  # Unix seconds, since the API's shape wants it.

    def as_json(self) -> dict[str, Any]:
        """Return the model in OpenAI's shape."""
        return {
            "id": self.id,
            "object": "model",
            "created": self.created,
            "owned_by": self.owner,
        }


# hibari-tts 0.2.1, and the names that OpenAI's clients ask for when they are told none.
_SPEECH = ("hibari", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
_HIBARI_YEAR = 1_767_225_600  # The first day of 2026.

MODELS = {name: Model(name, "speech", "hibari", _HIBARI_YEAR) for name in _SPEECH}


def find_model(name: str, task: Task | None = None) -> Model:
    """Return the model called ``name``; raises `ApiError` 404, or 400 if it does another task."""
    model = MODELS.get(name)
    if model is None:
        known = ", ".join(MODELS)
        message = f"There is no model {name!r}. Known models: {known}."
        raise ApiError(404, message, code="model_not_found", param="model")
    if task is not None and model.task != task:
        message = f"The model {name!r} is for {model.task}, not for {task}."
        raise ApiError(400, message, code="wrong_model", param="model")
    return model
