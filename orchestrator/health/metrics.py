"""How much is going on, in figures for Prometheus?

Requests and sockets are counted by this process, and summed over all web processes where
``PROMETHEUS_MULTIPROC_DIR`` is set; what the house does is read from Redis when somebody asks.
"""

from __future__ import annotations

import os
from typing import cast

from flask import Flask
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from orchestrator.health.house_figures import HouseFigures
from orchestrator.services import Services

EXTENSION = "switchboard-figures"

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)


class RequestFigures:
    """The counter and the histogram of one web process."""

    def __init__(self, house: Services) -> None:
        self._several = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        self._house = HouseFigures(house)
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "switchboard_http_requests",
            "HTTP requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "switchboard_http_request_seconds",
            "How long an HTTP request took.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._errors = Counter(
            "switchboard_http_errors",
            "HTTP errors about a session, by whether they named it.",
            ("session_id",),
            registry=self._registry,
        )
        for kept in ("kept", "lost"):
            self._errors.labels(kept)
        self._sockets = Gauge(
            "switchboard_sockets",
            "WebSockets open.",
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        # Finding the series of a label costs as much as counting.
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; ``route`` is a template, so that ids do not become labels."""
        kind = (method, route, status)
        found = self._children.get(kind)
        if found is None:
            requests = self._requests.labels(method, route, str(status))
            found = self._children[kind] = requests, self._seconds.labels(method, route)
        found[0].inc()
        found[1].observe(seconds)

    def count_error(self, *, kept: bool) -> None:
        """Count one error about a session, by whether it carried the session's id."""
        self._errors.labels("kept" if kept else "lost").inc()

    def tell_sockets(self, count: int) -> None:
        """Take note of how many sockets this process holds."""
        self._sockets.set(count)

    def exposition(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        own = self._registry
        if self._several:
            own = CollectorRegistry()
            multiprocess.MultiProcessCollector(own)
        house = CollectorRegistry()
        house.register(self._house)
        return generate_latest(own) + generate_latest(house)


def figures_of(app: Flask) -> RequestFigures:
    """Return the figures of ``app``."""
    return cast("RequestFigures", app.extensions[EXTENSION])
