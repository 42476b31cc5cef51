"""What were the last ten minutes like, and the last 24 hours?

Ends are counted by the archive, hour by hour; an hour that is over is asked for again only now and
then. Latencies are what lies between two samples of the figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

from cachetools import TTLCache

from orchestrator.dashboard.house_messages import Charts, EndCount, Hour, Latency, LatencyAt
from sessions.endings import Endings
from sessions.figures import Distribution, Reading
from sessions.samples import STRETCH_MS, Sample, Samples
from sessions.states import Fault, Reason

HOUR_MS = 3600 * 1000
_HOURS = 24
_REMEMBER_SECONDS = 600
"""A database that was away may be given ends of an hour that is over."""

_Counts = Mapping[tuple[str, str], int]


class Day:
    """Looks back."""

    def __init__(self, endings: Endings, samples: Samples) -> None:
        self._endings = endings
        self._samples = samples
        self._taken: list[Sample] = []
        self._over = TTLCache[int, _Counts, float](_HOURS, _REMEMBER_SECONDS)

    def lately(self, reading: Reading, now: int) -> Sample:
        """Return what the last ten to twenty minutes add to the figures."""
        before = [one for one in self._taken if one.at <= now - STRETCH_MS]
        base = before[-1] if before else next(iter(self._taken), Sample(0))
        return Sample.of(reading, now).since(base)

    def look_back(self, reading: Reading, now: int) -> Charts:
        """Return the charts of the 24 hours that end with this one.

        Raises:
            SQLAlchemyError: the archive does not answer.
        """
        self._take_samples(now)
        hours = [(at, self._count(at, now)) for at in _hours(now)]
        total = Counter[tuple[str, str]]()
        for _, counts in hours:
            total.update(counts)
        return Charts(
            hours=[_hour(at, counts) for at, counts in hours],
            ends=[
                EndCount(reason=Reason(reason), fault=Fault(fault), count=n)
                for (reason, fault), n in total.most_common()
            ],
            latencies=self._latencies(reading, now),
        )

    def _take_samples(self, now: int) -> None:
        after = self._taken[-1].at if self._taken else 0
        taken = [*self._taken, *self._samples.read(after)]
        self._taken = [one for one in taken if one.at > now - _HOURS * HOUR_MS - STRETCH_MS]

    def _count(self, at: int, now: int) -> _Counts:
        if at in self._over:
            return self._over[at]
        counts = self._endings.count(at, at + HOUR_MS)
        if at + HOUR_MS < now:
            self._over[at] = counts
        return counts

    def _latencies(self, reading: Reading, now: int) -> list[LatencyAt]:
        at = now - now % STRETCH_MS
        every = [*(self._taken or [Sample(at)]), Sample.of(reading, now)]
        stretches = [later.since(earlier) for earlier, later in pairwise(every)]
        return [
            LatencyAt(at=one.at, start=latency(one.start), turn=latency(one.turn))
            for one in stretches
            if one.start.count or one.turn.count
        ]


def latency(found: Distribution) -> Latency:
    """Return the two figures that a histogram is shown by."""
    return Latency(count=found.count, p50_ms=found.quantile(0.5), p95_ms=found.quantile(0.95))


def _hours(now: int) -> range:
    present = now - now % HOUR_MS
    return range(present - (_HOURS - 1) * HOUR_MS, present + 1, HOUR_MS)


def _hour(at: int, counts: _Counts) -> Hour:
    faults = Counter[Fault]()
    for (_, fault), n in counts.items():
        faults[Fault(fault)] += n
    return Hour(at=at, ended=sum(counts.values()), faults=dict(faults))
