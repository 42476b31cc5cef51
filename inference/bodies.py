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
    return _checked(content, shape)


def read_form(request: Request, shape: type[Body]) -> tuple[Body, bytes]:
    """Return the fields of a multipart form as a ``shape``, and the content of its ``file``."""
    if request.mimetype != "multipart/form-data":
        message = "Send the request as multipart/form-data, with the sound in the field file."
        raise ApiError(415, message, code="wrong_content_type")
    fields = _checked(request.form.to_dict(), shape)
    file = request.files.get("file")
    if file is None:
        message = "file: Field required, with a file name of its own."
        raise ApiError(400, message, code="invalid_value", param="file")
    return fields, file.read()


def _checked(content: object, shape: type[Body]) -> Body:
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise ApiError(
            400, f"{field}: {problem['msg']}.", code="invalid_value", param=field
        ) from None
