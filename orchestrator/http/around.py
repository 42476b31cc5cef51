"""What happens around every request: its correlation id, its log line, its security headers."""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack
from http import HTTPStatus

import structlog
from flask import Flask, Response, current_app, g, request

from orchestrator.health.metrics import figures_of
from sessions.ids import is_alias
from sessions.tracing import note, span

_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
)

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

log = structlog.get_logger("orchestrator.access")


def register(app: Flask) -> None:
    """Put this around every request of ``app``."""
    app.before_request(_begin)
    app.after_request(_complete)
    app.teardown_request(_leave)


def _begin() -> None:
    given = request.headers.get("X-Correlation-ID", "")
    g.started = time.perf_counter()
    g.correlation_id = given if is_alias(given) else f"req_{secrets.token_hex(8)}"
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(correlation_id=g.correlation_id)
    if _is_socket():
        return  # A span that lasts as long as a conversation tells nothing.
    route = request.url_rule.rule if request.url_rule else "unmatched"
    g.span = ExitStack()
    g.span.enter_context(
        span(
            f"{request.method} {route}",
            request.headers.get("traceparent", ""),
            **{"http.request.method": request.method, "http.route": route},
        )
    )


def _name_session(response: Response) -> None:
    """Have the answer name the session that it is about, an error too."""
    session_id = g.get("session_id")
    if session_id is not None:
        response.headers.setdefault("X-Session-ID", session_id)
    # A store that is away cannot tell which session a caller's name for it means.
    unknown = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR and request.view_args
    if response.status_code >= HTTPStatus.BAD_REQUEST and (session_id or unknown):
        figures_of(current_app).count_error(kept=session_id is not None)


def _complete(response: Response) -> Response:
    headers = response.headers
    headers["X-Correlation-ID"] = g.correlation_id
    headers.extend([(name, value) for name, value in _HEADERS if name not in headers])
    seconds = time.perf_counter() - g.started
    status = response.status_code
    _name_session(response)
    if not _is_socket():
        route = request.url_rule.rule if request.url_rule else "unmatched"
        method = request.method if request.method in _METHODS else "OTHER"
        figures_of(current_app).count(method, route, status, seconds)
    # The path only: a query string may carry a token.
    ms = round(seconds * 1000, 1)
    log.info("request", method=request.method, path=request.path, status=status, ms=ms)
    note(**{"http.response.status_code": status})
    return response


def _is_socket() -> bool:
    return request.headers.get("Upgrade", "").lower() == "websocket"


def _leave(_error: BaseException | None) -> None:
    g.pop("span", ExitStack()).close()
