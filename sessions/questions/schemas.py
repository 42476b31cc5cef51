"""What do the messages look like to somebody who writes the other end in another language?

``python -m sessions.questions.schemas`` writes ``docs/schemas``. What is exact has no further
fields; what may grow says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, Field

from sessions.questions.tasks import AgentResponse, TaskRequest, TaskResponse

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"


class _AgentResponseEvent(BaseModel):
    """The event that brings an answer, or what was said in a call, to the clients of a session."""

    id: str = Field(description="The place in the session's log; give it as `since` to go on.")
    type: str = Field(json_schema_extra={"const": "agent_response"})
    data: AgentResponse


_MODELS: Mapping[str, tuple[str, type[BaseModel]]] = {
    "task_request": ("A question on its way to whoever answers it", TaskRequest),
    "task_response": ("An answer on its way back", TaskResponse),
    "agent_response": ("The event that tells of an answer", _AgentResponseEvent),
}
_MAY_GROW = {"UserContext"}
_OPTIONAL_IN = {
    "_AgentResponseEvent": {"id"},
    "AgentResponse": {"sources", "correlation_id"},
    "TaskResult": {"error"},
    "TaskResponse": {"usage"},
}


def schemas() -> dict[str, dict[str, Any]]:
    """Return every schema by the name of its file."""
    return {f"{name}.json": _schema(title, model) for name, (title, model) in _MODELS.items()}


def _schema(title: str, model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(mode="serialization")
    for name, part in cast("dict[str, Any]", schema.get("$defs", {})).items():
        _make_exact(name, part)
    _make_exact(model.__name__, schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": title,
    }


def _make_exact(name: str, part: dict[str, Any]) -> None:
    if part.get("type") != "object":
        return
    part["additionalProperties"] = name in _MAY_GROW
    optional = _OPTIONAL_IN.get(name, set[str]())
    if name not in _MAY_GROW:
        part["required"] = [field for field in part["properties"] if field not in optional]


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (FOLDER / name).write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
