"""Where does the time of a call go, in all the processes that have a part in it?

One session is one trace. Its context, a W3C ``traceparent``, is kept with the session in Redis, so
that an agent joins the trace whatever message brought it here. Spans are made only where a
collector is named (``otlp_endpoint``, or OpenTelemetry's own variables); elsewhere the SDK is not
even imported.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sessions.settings import Settings

if TYPE_CHECKING:
    from sessions.otlp import Tracing

_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_FLUSH_SECONDS = 0.5

_tracing: Tracing | None = None


def start_tracing(settings: Settings, service: str) -> Tracing | None:
    """Collect the spans of this process from now on, if somebody wants them.

    The thread that sends them does not survive a fork: never call this in a process that forks.
    """
    global _tracing
    if not settings.otlp_endpoint and not any(os.environ.get(name) for name in _VARIABLES):
        return None
    from sessions.otlp import Tracing

    stop_tracing()
    _tracing = Tracing(settings.otlp_endpoint, service)
    return _tracing


def stop_tracing() -> None:
    """Send what is left, and collect no more."""
    global _tracing
    if _tracing is not None:
        _tracing.flush(_FLUSH_SECONDS)
        _tracing.close()
    _tracing = None


def flush_spans() -> None:
    """Send the spans that are left; a collector that is slow or away is not waited for."""
    if _tracing is not None:
        _tracing.flush(_FLUSH_SECONDS)


@contextmanager
def span(name: str, parent: str = "", **attributes: str | int) -> Generator[None]:
    """Time the block as a part of what ``parent`` names, or of the span around it."""
    if _tracing is None:
        yield
        return
    with _tracing.span(name, parent, attributes):
        yield


def record_span(
    name: str, began: int, ended: int, parent: str = "", **attributes: str | int
) -> None:
    """Note a span that is over; its moments are in Unix milliseconds."""
    if _tracing is not None:
        _tracing.record(name, began, ended, parent, attributes)


def note(**attributes: str | int) -> None:
    """Say more about the span around this."""
    if _tracing is not None:
        _tracing.note(attributes)


def current_traceparent() -> str:
    """Return what a span elsewhere needs to be a part of the one around this; empty: none."""
    return "" if _tracing is None else _tracing.current()
