"""How fast was the house at each time of the day?

The figures only ever grow. A sample of two of them every ten minutes tells what came in between;
upkeep takes it, whether anybody watches or not.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import cast

from redis import Redis
from redis.exceptions import ResponseError

from sessions import keys
from sessions.figures import Distribution, Figures, Reading

STRETCH_MS = 600_000
_MOST = 24 * 3600 * 1000 // STRETCH_MS + 1
_TTL_MS = (_MOST + 1) * STRETCH_MS

_START = ("span", "accepted_ready")
_TURN = ("turn",)


@dataclass(frozen=True, slots=True)
class Sample:
    """What the histograms held at the beginning of a stretch; ``at`` is in Unix milliseconds."""

    at: int
    start: Distribution = field(default_factory=Distribution)
    turn: Distribution = field(default_factory=Distribution)

    @classmethod
    def of(cls, reading: Reading, at: int) -> Sample:
        """Return the sample of what has been read."""
        every, nothing = reading.distributions, Distribution()
        return cls(at, every.get(_START, nothing), every.get(_TURN, nothing))

    def since(self, earlier: Sample) -> Sample:
        """Return what has come since ``earlier``, with the moment of that one."""
        return Sample(earlier.at, self.start.since(earlier.start), self.turn.since(earlier.turn))


class Samples:
    """The samples of the last day."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def take(self, now: int) -> bool:
        """Take the sample of this stretch, unless it has been taken; tell whether it was not."""
        at = now - now % STRETCH_MS
        newest = cast("_Entries", self._redis.xrevrange(keys.SAMPLES, count=1))
        if newest and _moment(newest[0][0]) >= at:
            return False
        sample = Sample.of(Figures(self._redis).read(), at)
        counts = json.dumps({"start": sample.start.counts, "turn": sample.turn.counts})
        with self._redis.pipeline() as pipeline:
            pipeline.xadd(
                keys.SAMPLES, {"counts": counts}, f"{at}-0", maxlen=_MOST, approximate=False
            )
            pipeline.pexpire(keys.SAMPLES, _TTL_MS)
            try:
                pipeline.execute()
            except ResponseError:
                return False  # Somebody else has taken it meanwhile.
        return True

    def read(self, after: int = 0) -> list[Sample]:
        """Return the samples of later moments than ``after``, the oldest first."""
        entries = cast("_Entries", self._redis.xrange(keys.SAMPLES, min=f"({after}"))
        return [_sample(entry_id, fields) for entry_id, fields in entries]


_Entries = list[tuple[str, dict[str, str]]]


def _moment(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])


def _sample(entry_id: str, fields: dict[str, str]) -> Sample:
    counts = json.loads(fields["counts"])
    return Sample(_moment(entry_id), Distribution(counts["start"]), Distribution(counts["turn"]))
