"""What did the caller send, and is it what this endpoint takes?

The order of the checks: content type (415), size (413), JSON (400), fields (422).
"""

from __future__ import annotations

import json
import re
from typing import NoReturn, TypeVar

from flask import Request
from pydantic import BaseModel
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from orchestrator.services import LONGEST_WAIT_SECONDS
from sessions.errors import FieldProblem, InvalidRequestError
from sessions.ids import ALIAS_RULE, is_alias
from sessions.requests import parse

MAX_BODY_BYTES = 64 * 1024
READ_AT_MOST = MAX_BODY_BYTES + 1
"""Werkzeug cuts a body of no announced length off here, and says nothing."""

M = TypeVar("M", bound=BaseModel)

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?\s*(?:[,;]|$)", re.IGNORECASE)


def read_body(request: Request, model: type[M]) -> M:
    """Return the JSON body of ``request`` as ``model``."""
    return parse_content(read_content(request), model)


def read_content(request: Request) -> bytes:
    """Return the body of ``request`` as it came, if it is said to be JSON and not too large."""
    if not request.is_json:
        raise UnsupportedMediaType("The body must be JSON: send `Content-Type: application/json`.")
    content = request.get_data(cache=False)
    if len(content) > MAX_BODY_BYTES:
        raise RequestEntityTooLarge
    return content


def parse_content(content: bytes, model: type[M]) -> M:
    """Return the JSON ``content`` of a request as ``model``."""
    try:
        return parse(model, json.loads(content, parse_constant=_refuse_constant))
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from error


def read_query(request: Request, model: type[M]) -> M:
    """Return the query string of ``request`` as ``model``; of a repeated name the first counts."""
    return parse(model, request.args.to_dict())


def read_alias_header(request: Request) -> str | None:
    """Return the caller's own name for the session from `X-Session-ID`."""
    alias = request.headers.get("X-Session-ID")
    if alias is not None and not is_alias(alias):
        raise InvalidRequestError([FieldProblem("X-Session-ID", ALIAS_RULE)])
    return alias


def read_wait(request: Request) -> int:
    """Return for how many seconds the caller wants the answer held (`Prefer: wait=N`)."""
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(int(found[1]), LONGEST_WAIT_SECONDS) if found else 0


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
