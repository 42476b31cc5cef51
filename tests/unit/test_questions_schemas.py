"""The schemas that are published are those of the models, and hold for all that travels."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from sessions.questions.schemas import FOLDER, schemas
from sessions.questions.tasks import AgentResponse, TaskRequest, TaskResponse, to_json
from tests.support.questions import answer_to, question


def errors(name: str, content: Any) -> list[str]:
    schema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message for error in validator.iter_errors(content)]


def test_schemas_when_the_models_change_then_the_files_do_too() -> None:
    for name, schema in schemas().items():
        written = json.loads((FOLDER / name).read_text(encoding="utf-8"))
        assert written == schema, "run `python -m sessions.questions.schemas`"


def test_schemas_when_something_travels_then_it_holds() -> None:
    request = question("session_1753590741399_k3f9a0z81qxe")
    assert errors("task_request", to_json(request)) == []
    assert errors("task_response", to_json(answer_to(request.correlation_id))) == []
    for ids in (("chat_1", "session_1753590741399_k3f9a0z81qxe"), (None, None)):
        failure = TaskResponse.failure(*ids, sentence="Sorry.", error="why")
        assert errors("task_response", to_json(failure)) == []
    answer = AgentResponse(session_id="a", response="b", correlation_id="c")
    for data in (to_json(answer), to_json(AgentResponse(session_id="a", response="b"))):
        event = {"id": "1-0", "type": "agent_response", "data": data}
        assert errors("agent_response", event) == []


def test_schemas_when_as_published_then_they_hold_without_what_was_added() -> None:
    data = {
        "session_id": "a",
        "response": "b",
        "requires_human_handoff": False,
        "suggested_actions": [],
    }
    assert errors("agent_response", {"type": "agent_response", "data": data}) == []


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"status": "PENDING"},
        {"correlation_id": ""},
        {"result": {}},
    ],
)
def test_schemas_when_an_answer_has_another_shape_then_they_say_so(change: dict[str, Any]) -> None:
    assert errors("task_response", {**to_json(answer_to("chat_1")), **change})


def test_request_when_it_cannot_be_read_then_the_error_does_not_quote_it() -> None:
    payload = {"message": 7, "session_id": "marmalade", "conversation_history": [["marmalade"]]}
    with pytest.raises(ValidationError) as caught:
        TaskRequest.model_validate({"correlation_id": "c", "task_type": "x", "payload": payload})
    assert "marmalade" not in str(caught.value)
