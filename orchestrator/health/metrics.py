"""How much is going on, in figures for Prometheus?

Requests are counted by this process, and summed over all web processes where
``PROMETHEUS_MULTIPROC_DIR`` is set; what the house does is read from Redis when somebody asks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import cast

from flask import Flask
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from orchestrator.services import Services
from sessions.counters import drift_counts

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


class HouseFigures(Collector):
    """What Redis knows of sessions and workers at the moment of asking."""

    def __init__(self, house: Services) -> None:
        self._house = house

    def describe(self) -> Iterator[Metric]:
        """Say nothing in advance: registering must not ask Redis."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Read the figures; while Redis is away only that is told."""
        try:
            figures = list(self._read())
        except RedisError:
            yield _gauge("switchboard_redis_up", "Whether Redis answers.", 0)
            return
        yield _gauge("switchboard_redis_up", "Whether Redis answers.", 1)
        yield from figures

    def _read(self) -> Iterator[Metric]:
        directory = self._house.directory
        by_state = GaugeMetricFamily(
            "switchboard_sessions", "Live sessions by state.", labels=["state"]
        )
        for state, count in directory.count_by_state().items():
            by_state.add_metric([state], count)
        workers = self._house.fleet.alive()
        yield by_state
        yield _gauge("switchboard_sessions_live", "Live sessions.", directory.count_live())
        yield _gauge(
            "switchboard_queue_length",
            "Sessions that wait for an agent.",
            directory.queue_length(),
        )
        yield _gauge("switchboard_workers", "Session workers alive.", len(workers))
        yield _gauge(
            "switchboard_workers_draining",
            "Session workers that take no more calls.",
            sum(w.draining for w in workers),
        )
        for name, help_, counts in (
            ("switchboard_worker_slots", "Calls a worker can run.", [w.slots for w in workers]),
            ("switchboard_worker_busy", "Calls a worker runs.", [w.busy for w in workers]),
        ):
            family = GaugeMetricFamily(name, help_, labels=["worker"])
            for worker, count in zip(workers, counts, strict=True):
                family.add_metric([worker.name], count)
            yield family
        drift = CounterMetricFamily(
            "switchboard_drift_mended", "Things found out of order and mended.", labels=["kind"]
        )
        for kind, count in drift_counts(self._house.redis).items():
            drift.add_metric([kind], count)
        yield drift


def _gauge(name: str, help_: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_, value=value)
