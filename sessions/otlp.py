"""How do spans leave a process? Over OTLP/HTTP, in the background, and without what was said.

Imported only where somebody collects spans; see ``tracing.py``.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from threading import Thread

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes, AttributeValue

from sessions.settings import host_name
from sessions.version import version

_EXPORT_SECONDS = 2.0
_EVERY_MS = 1000

_NAMES = {
    *("session_id", "generation", "channel", "reason", "cause", "correlation_id"),
    *("http.request.method", "http.route", "exception.type", "error.type"),
    *("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model"),
    *("lk.speech_id", "lk.generation_id", "lk.tts.label", "lk.eou.outcome", "lk.close_reason"),
}
"""Attributes of words that leave the house. Any other text might be what somebody said, or a
prompt; numbers say nothing of that kind and may all go."""

log = structlog.get_logger(__name__)

_context = TraceContextTextMapPropagator()


class Tracing:
    """The spans of one process."""

    def __init__(self, endpoint: str, service: str) -> None:
        # What it has to say of a collector that is away is said once, below.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        about = {
            "service.name": f"switchboard-{service}",
            "service.version": version(),
            "host.name": host_name(),
            "process.pid": os.getpid(),
        }
        url = f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None
        self._exporter = _Discreet(OTLPSpanExporter(url, timeout=_EXPORT_SECONDS))
        # At the exit it would wait for a collector that is away.
        self.provider = TracerProvider(resource=Resource(about), shutdown_on_exit=False)
        self.provider.add_span_processor(
            BatchSpanProcessor(self._exporter, schedule_delay_millis=_EVERY_MS)
        )
        self._tracer = self.provider.get_tracer("switchboard", version())

    @contextmanager
    def span(self, name: str, parent: str, attributes: Attributes) -> Generator[None]:
        """Time a block."""
        with self._tracer.start_as_current_span(name, _context_of(parent), attributes=attributes):
            yield

    def record(
        self, name: str, began: int, ended: int, parent: str, attributes: Attributes
    ) -> None:
        """Note a span that is over."""
        made = self._tracer.start_span(
            name, _context_of(parent), attributes=attributes, start_time=began * 1_000_000
        )
        made.end(ended * 1_000_000)

    def note(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Say more about the current span."""
        trace.get_current_span().set_attributes(attributes)

    def current(self) -> str:
        """Return the context of the current span as text."""
        carrier: dict[str, str] = {}
        _context.inject(carrier)
        return carrier.get("traceparent", "")

    @property
    def failing(self) -> bool:
        """Tell whether the collector was away when spans were sent last."""
        return self._exporter.failing

    def flush(self, seconds: float) -> None:
        """Send what is left, for so long at the most, unless the collector was away lately."""
        if self.failing:
            return
        sending = Thread(target=self.provider.force_flush, name="flush-spans", daemon=True)
        sending.start()
        sending.join(seconds)

    def close(self) -> None:
        """Collect no more; what has not been sent by now is lost."""
        Thread(target=self.provider.shutdown, name="close-spans", daemon=True).start()


class _Discreet(SpanExporter):
    """Exports how long things took, and nothing of what was said."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; a collector that is away is told of once, until it is back."""
        result = self._exporter.export([_without_words(one) for one in spans])
        failed = result is not SpanExportResult.SUCCESS
        if failed and not self.failing:
            log.warning("spans_not_sent", spans=len(spans))
        self.failing = failed
        return result

    def shutdown(self) -> None:
        """Stop."""
        self._exporter.shutdown()


def _without_words(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_harmless(span.attributes),
        events=[Event(one.name, _harmless(one.attributes), one.timestamp) for one in span.events],
        links=span.links,
        kind=span.kind,
        # What an exception says may be what somebody said.
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _harmless(attributes: Attributes) -> Attributes:
    return {
        name: value
        for name, value in (attributes or {}).items()
        if isinstance(value, int | float) or name in _NAMES
    }


def _context_of(parent: str) -> Context | None:
    return _context.extract({"traceparent": parent}) if parent else None
