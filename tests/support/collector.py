"""Who collects spans? A receiver of OTLP over HTTP that keeps all it is sent."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Collected:
    """One span, as it arrived."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    began: int
    ended: int
    text: str
    """Everything that was sent of it."""


@dataclass
class Collector:
    """What was sent so far to the receiver at ``url``."""

    url: str
    spans: list[Collected] = field(default_factory=list[Collected])

    def named(self, name: str) -> list[Collected]:
        """Return the spans of one name."""
        return [one for one in self.spans if one.name == name]

    def take(self, body: bytes) -> None:
        """Take in one request."""
        for of_process in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {one.key: one.value.string_value for one in of_process.resource.attributes}
            for scope in of_process.scope_spans:
                self.spans += [
                    Collected(
                        service=about["service.name"],
                        name=span.name,
                        trace=span.trace_id.hex(),
                        id=span.span_id.hex(),
                        parent=span.parent_span_id.hex(),
                        began=span.start_time_unix_nano,
                        ended=span.end_time_unix_nano,
                        text=str(span),
                    )
                    for span in scope.spans
                ]


@contextmanager
def collecting(port: int = 0) -> Iterator[Collector]:
    """Keep a receiver on a port of loopback, a free one unless it is named."""
    collector = Collector("")

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.take(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Receiver) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, name="collector").start()
        try:
            yield collector
        finally:
            server.shutdown()
