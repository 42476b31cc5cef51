"""How does Switchboard log?

One line an event, JSON in production. ``session_id`` and ``correlation_id`` are bound once per
request or call and then stand in every line, those of libraries too.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any, cast

import structlog

from sessions.settings import Mode, Settings

_SECRET_WORDS = (
    "token",
    "secret",
    "password",
    "apikey",
    "authorization",
    "prompt",
    "openingline",
)
_QUIET = (
    "celery.app.trace",
    "celery.beat",
    "celery.worker.strategy",
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "openai",
    "urllib3",
    "alembic",
    "asyncio",
    "livekit",
)


def configure_logging(settings: Settings) -> None:
    """Send every log line of this process through structlog to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
    ]
    production = settings.mode is Mode.PRODUCTION
    renderer = (
        structlog.processors.JSONRenderer() if production else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Before the console makes rich tracebacks, which show local variables and so prompts.
            structlog.processors.format_exc_info,
            renderer,
        ],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _hide_secrets(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for name, value in event.items():
        event[name] = _hidden(name, value)
    return event


def _hidden(name: str, value: Any) -> Any:
    if any(word in name.lower().replace("_", "") for word in _SECRET_WORDS):
        return "[hidden]"
    if isinstance(value, Mapping):
        fields = cast("Mapping[Any, Any]", value)
        return {key: _hidden(str(key), inner) for key, inner in fields.items()}
    return value
