"""What does the API look like to a program? The OpenAPI document, made from the views themselves.

The fields come from the pydantic models that the views read and answer with.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from orchestrator.http.answers import Problem
from orchestrator.http.operations import Operation, operation_of
from orchestrator.services import Services
from sessions.ids import ALIAS_PATTERN
from sessions.requests import StartRequest
from sessions.settings import Mode

_REF = "#/components/schemas/{model}"
_TEXT = {"type": "string"}

_SESSION_ID = {
    "name": "sessionId",
    "in": "path",
    "required": True,
    "description": "The session's id, or one of your own names for it.",
    "schema": {"type": "string", "pattern": f"^{ALIAS_PATTERN}$"},
    "example": "session_1753590741399_k3f9a0z81qxe",
}
_QUESTION = {
    "name": "correlationId",
    "in": "path",
    "required": True,
    "description": "The `correlation_id` of the question.",
    "schema": {"type": "string", "pattern": "^[^/]+$"},
    "example": "chat_5cc15fe6a1b2c3d45cc15fe6a1b2c3d4",
}
_IN_PATH = {
    "reference": ("<session:reference>", _SESSION_ID),
    "correlation_id": ("<correlation_id>", _QUESTION),
}
_CORRELATION = {
    "name": "X-Correlation-ID",
    "in": "header",
    "description": "Your id of this request; it is logged and returned. A malformed one is "
    "replaced.",
    "schema": _TEXT,
}
REQUEST_HEADERS = {
    "X-Session-ID": {
        "name": "X-Session-ID",
        "in": "header",
        "description": "Your own name for the session; a second request under it makes no second "
        "one.",
        "schema": {"type": "string", "pattern": f"^{ALIAS_PATTERN}$"},
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "`wait=N` holds the answer until the agent is ready, or has answered, at "
        "most 15 seconds.",
        "schema": _TEXT,
        "example": "wait=5",
    },
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "description": "The `ETag` of the answer that candidates are for, or `*` to restart ICE.",
        "schema": _TEXT,
        "example": "*",
    },
}
_ANSWER_HEADERS = {
    "X-Session-ID": "The id of the session.",
    "Location": "Where the session, or the answer, can be looked at.",
    "Idempotent-Replay": "`true` where the session was there before.",
    "Preference-Applied": "What was done of `Prefer`.",
    "X-Session-Token": "Opens this session's endpoints as a bearer.",
    "ETag": "The ICE session; give it as `If-Match`.",
    "Link": "The ICE servers of the media server, if it has any.",
    "Accept-Patch": "What the session's resource takes.",
}
_PROBLEM_HEADERS = {
    401: {"WWW-Authenticate": "How to authenticate."},
    405: {"Allow": "The methods that this path has."},
    429: {"Retry-After": "In how many seconds to try again."},
    503: {"Retry-After": "In how many seconds to try again."},
}
_MEANINGS = {
    400: "The body or the session id is malformed.",
    401: "The key or token is missing or not valid.",
    403: "The key or token does not reach this far, or a foreign page asks.",
    404: "You see no session, or no question, of that id, or it has no such connection.",
    409: "The name is in use by a session that was asked for differently, or the session is of "
    "another channel.",
    410: "The session has ended, and this is no longer kept or done.",
    412: "It is about an ICE session that is over.",
    413: "The body is over 64 KiB.",
    415: "The body is of another content type than this endpoint takes.",
    422: "A field is wrong or unknown; `errors` names it.",
    428: "`If-Match` does not say which ICE session it is about.",
    429: "A limit is reached.",
    500: "Something went wrong on our side.",
    502: "The media server took no call.",
    503: "It cannot be done now: the store or the media server is away, no worker is alive, or "
    "too many wait.",
    504: "The agent was not ready, or did not confirm, in time.",
}


def build(app: Flask, house: Services, version: str) -> dict[str, Any]:
    """Return the OpenAPI document of the documented views of ``app``."""
    paths: dict[str, dict[str, Any]] = {}
    operations: list[Operation] = []
    for rule in app.url_map.iter_rules():
        operation = operation_of(app.view_functions[rule.endpoint])
        if operation is None:
            continue
        operations.append(operation)
        path, in_path = rule.rule, [_IN_PATH[name] for name in sorted(rule.arguments)]
        for written, parameter in in_path:
            path = path.replace(written, f"{{{parameter['name']}}}")
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths.setdefault(path, {})[method.lower()] = _operation(
                operation, rule.endpoint, house, [parameter for _, parameter in in_path]
            )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Switchboard",
            "version": version,
            "summary": "A control plane for real-time voice agents.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": house.settings.public_url or "/"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(operations, house),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key (`sb_...`), or a session's token for that session.",
                }
            },
        },
    }


def _operation(
    operation: Operation, endpoint: str, house: Services, in_path: list[dict[str, Any]]
) -> dict[str, Any]:
    written: dict[str, Any] = {
        "operationId": endpoint.replace(".", "_"),
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": _parameters(operation, in_path),
        "responses": {
            **{str(code): _answer(operation, code) for code in operation.answers},
            **{str(code): _problem(code) for code in operation.all_problems},
        },
        "security": _security(operation, house),
    }
    if operation.body is not None:
        written["requestBody"] = {"required": True, "content": _content(operation.body)}
    return written


def _security(operation: Operation, house: Services) -> list[dict[str, list[str]]]:
    if operation.public:
        return []
    keyless = house.settings.mode is Mode.DEVELOPMENT
    return [*([{}] if keyless else []), {"bearer": []}]


def _parameters(operation: Operation, in_path: list[dict[str, Any]]) -> list[dict[str, Any]]:
    parameters = [*in_path]
    if operation.query is not None:
        schema = operation.query.model_json_schema(by_alias=True, ref_template=_REF)
        for name, written in schema["properties"].items():
            content = dict(written)
            description = content.pop("description", "")
            parameters.append(
                {"name": name, "in": "query", "description": description, "schema": content}
            )
    return [
        *parameters,
        *(REQUEST_HEADERS[name] for name in operation.request_headers),
        _CORRELATION,
    ]


def _answer(operation: Operation, code: int) -> dict[str, Any]:
    content = operation.answers[code]
    headers = {"X-Correlation-ID": "The id of this request."}
    headers |= {name: _ANSWER_HEADERS[name] for name in operation.answer_headers}
    described: dict[str, Any] = {"description": HTTPStatus(code).phrase}
    if content is not None:
        described["content"] = _content(content)
    if not isinstance(content, str | None):
        described["description"] = (content.__doc__ or "").strip()
    return {**described, "headers": _headers(headers)}


def _problem(code: int) -> dict[str, Any]:
    return {
        "description": _MEANINGS[code],
        "headers": _headers(_PROBLEM_HEADERS.get(code, {})),
        "content": {"application/problem+json": {"schema": _reference(Problem)}},
    }


def _headers(meanings: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: {"description": text, "schema": _TEXT, "required": False}
        for name, text in meanings.items()
    }


def _content(content: type[BaseModel] | str) -> dict[str, Any]:
    if isinstance(content, str):
        return {content: {"schema": _TEXT}}
    return {"application/json": {"schema": _reference(content)}}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def _schemas(operations: list[Operation], house: Services) -> dict[str, Any]:
    wanted: dict[type[BaseModel], JsonSchemaMode] = {Problem: "serialization"}
    for operation in operations:
        for content in operation.answers.values():
            if not isinstance(content, str | None):
                wanted[content] = "serialization"
        for given in (operation.body, operation.query):
            if not isinstance(given, str | None):
                wanted[given] = "validation"
    _, schema = models_json_schema(list(wanted.items()), by_alias=True, ref_template=_REF)
    schemas = schema["$defs"]
    for model in (operation.query for operation in operations if operation.query):
        schemas.pop(model.__name__, None)
    start = schemas.get(StartRequest.__name__)
    if start is not None:
        for field, names in (("voiceId", house.voices.names), ("agent", house.agents.names)):
            start["properties"][field]["anyOf"][0] = {**_TEXT, "enum": names}
    return schemas
