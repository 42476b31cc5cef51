"""How does Switchboard log?

One line an event, JSON in production. ``session_id`` and ``correlation_id`` are bound once per
request or call and then stand in every line, those of libraries too.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import lru_cache
from typing import Any, cast

import structlog

from sessions.models import Session
from sessions.settings import Mode, Settings

_SECRET_WORDS = (
    "token",
    "secret",
    "password",
    "apikey",
    "authorization",
    "prompt",
    "openingline",
    "recoveryline",
)
_QUIET = (
    "celery.app.trace",
    "celery.beat",
    "celery.pool",
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
    "markdown_it",
    "multiprocessing",
    "redis",
)


_APART = ("multiprocessing",)
"""Loggers that pass nothing on to the root: billiard's, which tells of children that die."""


def about(session: Session | None) -> AbstractContextManager[object]:
    """Return a block whose lines name a session, whose request made it, and which of its agents."""
    if session is None:
        return nullcontext()
    return structlog.contextvars.bound_contextvars(
        session_id=session.id,
        correlation_id=session.correlation_id,
        generation=session.generation,
    )


def configure_logging(settings: Settings) -> None:
    """Send every log line of this process through structlog to standard error.

    Our own lines are rendered and written at once; only those of libraries, which know nothing of
    structlog, pass through the standard library's handler.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
    ]
    # Before the console makes rich tracebacks, which show local variables and so prompts.
    rendering: list[Any] = [structlog.processors.format_exc_info, _renderer(settings)]
    level = settings.log_level.upper()
    structlog.configure(
        processors=[*shared, *rendering],
        logger_factory=_Line,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _APART:
        apart = logging.getLogger(name)
        apart.handlers[:], apart.propagate = [handler], False
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Line:
    """Where one of our own lines goes once it is rendered."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def write(self, line: str) -> None:
        # Whoever logs must not fail for want of somebody who reads.
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(f"{line}\n")

    debug = info = warning = error = critical = write


def _renderer(settings: Settings) -> Any:
    if settings.mode is Mode.PRODUCTION:
        # One encoder for all lines; ``json.dumps`` would make one for each.
        encoder = json.JSONEncoder(default=repr)

        def encode(line: dict[str, Any], **_: Any) -> str:
            return encoder.encode(line)

        return structlog.processors.JSONRenderer(serializer=encode)
    return structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else _plain


def _plain(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """Return a line as the console shows it, without colours and at a fraction of the time."""
    trace = event.pop("exception", None)
    head = f"{event.pop('timestamp')} [{event.pop('level'):<8}] {event.pop('event')!s:<30}"
    words = [f"{head} [{event.pop('logger')}]"]
    for name, value in event.items():
        text = str(value)
        words.append(f"{name}={text if text.isprintable() else repr(text)}")
    line = " ".join(words)
    return f"{line}\n{trace}" if trace else line


def _hide_secrets(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for name, value in event.items():
        event[name] = _hidden(name, value)
    return event


def _hidden(name: str, value: Any) -> Any:
    if _names_a_secret(name):
        return "[hidden]"
    if isinstance(value, Mapping):
        fields = cast("Mapping[Any, Any]", value)
        return {key: _hidden(str(key), inner) for key, inner in fields.items()}
    return value


@lru_cache(maxsize=1024)
def _names_a_secret(name: str) -> bool:
    plain = name.lower().replace("_", "")
    return any(word in plain for word in _SECRET_WORDS)
