"""What has been counted and timed in the house, and how does it outlive every process?

One hash in Redis. The verbs write to it in the step that they count (``tally`` and ``observe`` in
``lua/_common.lua``), everybody else through ``Figures``. A child lives for one call, so it keeps no
figures of its own.

A counter is the field ``<name>:<label>:...``. A histogram has a field ``<name>:...:le:<ms>`` for
each bucket, with what fell between that bound and the one below, and ``<name>:...:sum``, in ms.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import cast

from redis import Redis

from sessions import keys

BOUNDS_MS = (
    *(10, 25, 50, 100, 200, 300, 500, 750),
    *(1_000, 1_500, 2_500, 5_000, 10_000, 14_000, 30_000, 60_000),
)
"""The upper bounds of every histogram's buckets: from a claim (8 ms) to a wait in the queue."""

TTL_MS = 30 * 24 * 3600 * 1000
"""Prolonged whenever the figures are read, so those that nobody reads do not stay for ever."""

ABOVE = "+Inf"
_BUCKET = ":le:"
_SUM = ":sum"


@dataclass(slots=True)
class Distribution:
    """One histogram: how many fell into each bucket, and their sum in milliseconds."""

    counts: dict[str, int] = field(default_factory=dict[str, int])
    sum: int = 0

    def cumulative(self) -> list[tuple[str, int]]:
        """Return the buckets as Prometheus wants them: bounds in seconds, counts up to each."""
        total = 0
        buckets: list[tuple[str, int]] = []
        for bound in BOUNDS_MS:
            total += self.counts.get(str(bound), 0)
            buckets.append((str(bound / 1000), total))
        return [*buckets, (ABOVE, total + self.counts.get(ABOVE, 0))]

    @property
    def count(self) -> int:
        """Return how many fell into all buckets."""
        return sum(self.counts.values())

    def since(self, earlier: Distribution) -> Distribution:
        """Return what has come since ``earlier``; if the figures were lost meanwhile, what is."""
        added = {bound: n - earlier.counts.get(bound, 0) for bound, n in self.counts.items()}
        if any(n < 0 for n in added.values()) or earlier.counts.keys() - self.counts.keys():
            return self
        return Distribution(added, self.sum - earlier.sum)

    def quantile(self, part: float) -> int | None:
        """Return in ms what that part of all was at most, or ``None`` where there is nothing.

        Between the bounds of a bucket it is taken to be spread evenly; above all, the last counts.
        """
        wanted, below, before = part * self.count, 0, 0
        if not self.count:
            return None
        for bound in BOUNDS_MS:
            here = self.counts.get(str(bound), 0)
            if here and below + here >= wanted:
                return round(before + (bound - before) * (wanted - below) / here)
            below, before = below + here, bound
        return BOUNDS_MS[-1]


@dataclass(frozen=True, slots=True)
class Reading:
    """All figures at one moment, by name and labels: ``("starts", "voice", "created")``."""

    counters: dict[tuple[str, ...], int]
    distributions: dict[tuple[str, ...], Distribution]


class Figures:
    """The figures of the house."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def count(self, field: str, by: int = 1) -> None:
        """Add to a counter, such as ``webhooks:session.ready:delivered``."""
        self._add({field: by})

    def observe(self, name: str, ms: float) -> None:
        """Add what took ``ms`` to a histogram."""
        whole = max(0, round(ms))
        at = bisect_left(BOUNDS_MS, whole)
        bound = BOUNDS_MS[at] if at < len(BOUNDS_MS) else ABOVE
        self._add({f"{name}{_BUCKET}{bound}": 1, f"{name}{_SUM}": whole})

    def read(self) -> Reading:
        """Return all figures."""
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hgetall(keys.FIGURES)
            pipeline.pexpire(keys.FIGURES, TTL_MS)
            fields = cast("dict[str, str]", pipeline.execute()[0])
        reading = Reading({}, {})
        for name, value in fields.items():
            stem, bucket, bound = name.rpartition(_BUCKET)
            if bucket:
                _distribution(reading, stem).counts[bound] = int(value)
            elif name.endswith(_SUM):
                _distribution(reading, name.removesuffix(_SUM)).sum = int(value)
            else:
                reading.counters[tuple(name.split(":"))] = int(value)
        return reading

    def _add(self, amounts: dict[str, int]) -> None:
        with self._redis.pipeline(transaction=False) as pipeline:
            for name, amount in amounts.items():
                pipeline.hincrby(keys.FIGURES, name, amount)
            pipeline.pexpire(keys.FIGURES, TTL_MS)
            pipeline.execute()


def _distribution(reading: Reading, stem: str) -> Distribution:
    return reading.distributions.setdefault(tuple(stem.split(":")), Distribution())
