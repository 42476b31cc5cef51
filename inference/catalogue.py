"""Which models does this server offer, and under which names?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from inference.errors import ApiError

Task = Literal["speech", "transcription", "embedding"]


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


_2026 = 1_767_225_600  # Its first day.

# Each by the names that it has itself, and those that OpenAI's clients ask for when told none.
_OFFERED: tuple[tuple[Task, str, tuple[str, ...]], ...] = (
    ("speech", "hibari", ("hibari", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")),
    (
        "transcription",
        "openai",
        ("whisper-base", "whisper-1", "gpt-4o-mini-transcribe", "gpt-4o-transcribe"),
    ),
    (
        "embedding",
        "sentence-transformers",
        ("minilm", "text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002"),
    ),
)

MODELS = {
    name: Model(name, task, owner, _2026) for task, owner, names in _OFFERED for name in names
}


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
