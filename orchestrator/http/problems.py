"""Which HTTP answer does each error get? This is the only file that knows.

Errors are `application/problem+json` (RFC 9457) with a stable ``code``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response
from redis.exceptions import OutOfMemoryError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from orchestrator.reading.waiting import SessionFailedError
from orchestrator.whip import errors as whip
from sessions import errors
from sessions.connections import REDIS_AWAY

CONTENT_TYPE = "application/problem+json"

_STATUS: Mapping[type[errors.SwitchboardError], int] = {
    errors.InvalidIdError: 400,
    errors.NotAuthenticatedError: 401,
    errors.NotAllowedError: 403,
    errors.UnknownSessionError: 404,
    errors.UnknownQuestionError: 404,
    errors.AliasConflictError: 409,
    errors.WrongChannelError: 409,
    errors.SessionOverError: 410,
    errors.InvalidRequestError: 422,
    errors.UnknownVoiceError: 422,
    errors.LimitReachedError: 429,
    errors.NoCapacityError: 503,
    errors.QueueFullError: 503,
    errors.TooManyWatchersError: 503,
    SessionFailedError: 503,
    errors.AgentSilentError: 504,
    whip.InvalidOfferError: 400,
    whip.NoConnectionError: 404,
    whip.CallerGoneError: 408,
    whip.MediaServerRefusedError: 502,
    whip.MediaServerAwayError: 503,
    whip.AgentsBusyError: 503,
    whip.AgentLateError: 504,
}

_HTTP_CODES = {
    400: "malformed_request",
    404: "no_such_route",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "wrong_content_type",
}

_STORE_IS_AWAY: tuple[type[Exception], ...] = (
    *REDIS_AWAY,
    OutOfMemoryError,
    OperationalError,
    PoolTimeoutError,
    TimeoutError,
)

log = structlog.get_logger(__name__)


def register(app: Flask) -> None:
    """Answer every error of ``app`` with a problem."""
    app.register_error_handler(Exception, answer)


def answer(error: Exception) -> Response:
    """Return the problem that tells a caller about ``error``."""
    if isinstance(error, HTTPException):
        return _of_http(error)
    if isinstance(error, errors.SwitchboardError) and type(error) in _STATUS:
        return _of_ours(error, _STATUS[type(error)])
    if isinstance(error, _STORE_IS_AWAY):
        log.warning("store_unavailable", error=f"{type(error).__name__}: {error}")
        # Its answer may be what was lost, so nobody knows.
        detail = "The session store does not answer, and may or may not have done what you asked. "
        detail += "Try again in a moment; an alias keeps a start from being done twice."
        return _problem(503, "store_unavailable", detail)
    log.error("request_failed", exc_info=error)
    return _problem(500, "internal_error", "Something went wrong on our side; it has been logged.")


def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    code = _HTTP_CODES.get(status, HTTPStatus(status).phrase.lower().replace(" ", "_"))
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return _problem(status, code, error.description or "", headers=headers)


def _of_ours(error: errors.SwitchboardError, status: int) -> Response:
    more: dict[str, Any] = {}
    headers: dict[str, str] = {}
    if isinstance(error, errors.InvalidRequestError):
        more["errors"] = [one.to_json() for one in error.problems]
    if isinstance(error, errors.UnknownVoiceError):
        more["known"] = list(error.known)
    if isinstance(error, errors.RetryableError):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.NotAuthenticatedError):
        headers["WWW-Authenticate"] = 'Bearer realm="switchboard"'
    if isinstance(error, SessionFailedError):
        more |= {"sessionId": error.session_id, "reason": error.reason, "fault": error.fault}
    return _problem(status, error.code, str(error), more, headers)


def _problem(
    status: int,
    code: str,
    detail: str,
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    content = {
        "type": f"urn:switchboard:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **(more or {}),
    }
    given = dict(headers or {})
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        given.setdefault("Retry-After", "1")
    return Response(json.dumps(content), status, given, content_type=CONTENT_TYPE)
