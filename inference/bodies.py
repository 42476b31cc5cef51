"""What may a request body be, and what is wrong with the one that came?"""

from __future__ import annotations

from typing import TypeVar

from flask import Request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest

from inference.errors import ApiError

Body = TypeVar("Body", bound=BaseModel)


def read_json(request: Request, shape: type[Body]) -> Body:
    """Return the JSON body as a ``shape``; raises `ApiError` 400 or 415, naming the field."""
    if not request.is_json:
        raise ApiError(415, "Send the request as application/json.", code="wrong_content_type")
    try:
        content = request.get_json()
    except BadRequest:
        raise ApiError(400, "The body is not valid JSON.", code="malformed_json") from None
    if not isinstance(content, dict):
        raise ApiError(400, "The body must be a JSON object.", code="malformed_json")
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise ApiError(
            400, f"{field}: {problem['msg']}.", code="invalid_value", param=field
        ) from None
