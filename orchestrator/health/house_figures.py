"""How is the house doing, as Redis knows it at the moment of asking?

Every web process tells the same, so whoever adds up several must not add these up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from orchestrator.health.counted import COUNTERS, DISTRIBUTIONS
from orchestrator.services import Services
from sessions import keys
from sessions.counters import drift_counts
from sessions.figures import Distribution, Figures, Reading


class HouseFigures(Collector):
    """What Redis knows of sessions, workers, questions and upkeep."""

    def __init__(self, house: Services) -> None:
        self._house = house
        self._figures = Figures(house.redis)

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
        yield from self._sessions()
        yield from self._workers()
        yield from self._upkeep()
        reading = self._figures.read()
        yield from _counters(reading)
        yield from _distributions(reading)

    def _sessions(self) -> Iterator[Metric]:
        directory = self._house.directory
        by_state = GaugeMetricFamily(
            "switchboard_sessions", "Live sessions by state.", labels=["state"]
        )
        for state, count in directory.count_by_state().items():
            by_state.add_metric([state], count)
        yield by_state
        yield _gauge("switchboard_sessions_live", "Live sessions.", directory.count_live())
        waiting, oldest = directory.queue_length(), directory.oldest_waiting()
        waited = 0 if oldest is None else max(0, self._house.store.now() - oldest) / 1000
        yield _gauge("switchboard_queue_length", "Sessions that wait for an agent.", waiting)
        yield _gauge("switchboard_queue_oldest_seconds", "How long the oldest has waited.", waited)
        open_ = self._house.desk.count_open()
        yield _gauge("switchboard_questions_open", "Questions without an answer yet.", open_)

    def _workers(self) -> Iterator[Metric]:
        workers = self._house.fleet.alive()
        yield _gauge("switchboard_workers", "Session workers alive.", len(workers))
        for name, help_, counts in (
            ("switchboard_worker_slots", "Calls a worker can run.", [w.slots for w in workers]),
            ("switchboard_worker_busy", "Calls a worker runs.", [w.busy for w in workers]),
            (
                "switchboard_worker_draining",
                "Whether a worker takes no more calls.",
                [int(w.draining) for w in workers],
            ),
        ):
            family = GaugeMetricFamily(name, help_, labels=["worker"])
            for worker, count in zip(workers, counts, strict=True):
                family.add_metric([worker.name], count)
            yield family

    def _upkeep(self) -> Iterator[Metric]:
        redis = self._house.redis
        deadline = self._house.directory.next_deadline()
        late = 0 if deadline is None else max(0, self._house.store.now() - deadline) / 1000
        reaped = int(cast("str | None", redis.get(keys.REAPED)) or 0) / 1000
        beat = redis.exists(keys.BEAT_LOCK)
        yield _gauge("switchboard_beat_up", "Whether a beat holds the lock.", beat)
        yield _gauge(
            "switchboard_last_reap_timestamp_seconds", "When the reaper last went round.", reaped
        )
        yield _gauge(
            "switchboard_overdue_seconds",
            "For how long the most overdue session has waited for the reaper.",
            late,
        )
        drift = CounterMetricFamily(
            "switchboard_drift_mended", "Things found out of order and mended.", labels=["kind"]
        )
        for kind, count in drift_counts(redis).items():
            drift.add_metric([kind], count)
        yield drift


def _counters(reading: Reading) -> Iterator[Metric]:
    for name, figure in COUNTERS.items():
        family = CounterMetricFamily(figure.metric, figure.help, labels=figure.labels)
        found = {labels[1:]: n for labels, n in reading.counters.items() if labels[0] == name}
        for labels, count in {**dict.fromkeys(figure.known, 0), **found}.items():
            family.add_metric(labels, count)
        yield family


def _distributions(reading: Reading) -> Iterator[Metric]:
    for name, figure in DISTRIBUTIONS.items():
        family = HistogramMetricFamily(figure.metric, figure.help, labels=figure.labels)
        every = reading.distributions
        found = {labels[1:]: one for labels, one in every.items() if labels[0] == name}
        none = {labels: Distribution() for labels in figure.known}
        for labels, one in {**none, **found}.items():
            family.add_metric(labels, one.cumulative(), one.sum / 1000)
        yield family


def _gauge(name: str, help_: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_, value=value)
