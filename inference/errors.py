"""Which answer does each error get? Always in OpenAI's shape, and only here.

``{"error": {"message": ..., "type": ..., "param": ..., "code": ...}}``
"""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus

import structlog
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from inference.hearing import ClientGoneError
from inference.turns import BusyError

log = structlog.get_logger(__name__)

_RETRY_AFTER_SECONDS = 1  # A place is held for tens of milliseconds.
_DRAINED_BYTES = 1024 * 1024  # A body longer than this costs its sender the connection.
_CODES = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "wrong_content_type",
}


class ApiError(Exception):
    """An answer other than success; ``param`` names the field at fault."""

    def __init__(
        self, status: int, message: str, *, code: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param

    def response(self) -> Response:
        """Return the HTTP answer."""
        answer = jsonify(
            error={
                "message": self.message,
                "type": "server_error" if self.status >= 500 else _client_type(self.status),
                "param": self.param,
                "code": self.code,
            }
        )
        answer.status_code = self.status
        if self.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
            answer.headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
        if self.status == HTTPStatus.UNAUTHORIZED:
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer


def _client_type(status: int) -> str:
    return "rate_limit_error" if status == HTTPStatus.TOO_MANY_REQUESTS else "invalid_request_error"


def register_errors(app: Flask) -> None:
    """Make ``app`` answer every error in OpenAI's shape."""
    app.register_error_handler(ApiError, ApiError.response)
    app.register_error_handler(BusyError, _busy)
    app.register_error_handler(ClientGoneError, _gone)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(Exception, _unforeseen)


def _busy(_error: BusyError) -> Response:
    message = "The model server is busy. Try again in a second."
    return ApiError(429, message, code="queue_full").response()


def _gone(_error: ClientGoneError) -> Response:
    log.info("client_gone")
    return ApiError(408, "Nobody waits for this any more.", code="client_gone").response()


def _http(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or 500)
    answer = ApiError(status, error.description or status.phrase, code=_CODES.get(status))
    response = answer.response()
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _too_large(error: RequestEntityTooLarge) -> Response:
    # gunicorn hangs up on what it finds unread, though its answer promised to keep the connection.
    with suppress(OSError):
        request.environ["wsgi.input"].read(_DRAINED_BYTES)
    return _http(error)


def _unforeseen(error: Exception) -> Response:
    log.error("request_failed", exc_info=error)
    return ApiError(500, "The model server failed on this request.", code="internal").response()
