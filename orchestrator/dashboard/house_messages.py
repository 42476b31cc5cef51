"""What does the operator stream say of the house as a whole? ``house`` is now, ``charts`` a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from orchestrator.dashboard.messages import Message
from orchestrator.http.answers import Answer, CheckAnswer
from sessions.states import Fault, Reason, State


class WorkerSeen(Answer):
    """A session worker that is alive."""

    name: str
    host: str
    version: str
    slots: int
    busy: int
    draining: bool
    drain_ends_at: int | None = Field(description="When it leaves at the latest.")
    waits_for: str = Field(description="What keeps a worker that drains; empty if nothing does.")
    started_at: int | None
    silent_ms: int = Field(
        description="The age of its last heartbeat, in whole steps of 5 s: 0 is well."
    )


class QueueSeen(Answer):
    """Who waits for an agent."""

    length: int
    oldest_since: int | None = Field(description="From when on the one that waits longest waits.")
    estimated_wait_ms: int | None = Field(
        description="How long whoever comes now waits; 0 if a slot is free, null if unknown."
    )


class Latency(Answer):
    """How long something took, from a histogram: right to the width of its buckets."""

    count: int
    p50_ms: int | None = Field(description="Null where nothing was counted.")
    p95_ms: int | None


class Upkeep(Answer):
    """Who looks after what fails. All is well if beat is up and nothing is overdue."""

    beat_up: bool
    overdue_ms: int = Field(
        description="How long the most overdue session has waited for the reaper, in steps of 5 s."
    )
    reaped_ms: int | None = Field(
        description="How long ago the reaper last went round, in steps of 5 s; null: never."
    )


class House(Message):
    """The house at this moment; sent when something of it has changed."""

    event: ClassVar[str] = "house"

    live: int
    states: Mapping[State, int] = Field(description="How many live sessions each state has.")
    queue: QueueSeen
    workers: Sequence[WorkerSeen]
    slots: int = Field(description="Of workers that do not drain.")
    busy: int
    start: Latency = Field(
        description="From a request to an agent that can talk, over the last ten minutes or so."
    )
    turn: Latency = Field(
        description="From a caller's last word to the first sound of the answer, likewise."
    )
    upkeep: Upkeep
    ready: bool = Field(description="Whether calls can be taken; else `checks` say why not.")
    checks: Sequence[CheckAnswer] = Field(description="As `GET /ready` gives them to an admin.")


class Hour(Answer):
    """What ended in one hour."""

    at: int = Field(description="When the hour begins.")
    ended: int
    faults: Mapping[Fault, int] = Field(description="By fault; one that has none is left out.")


class EndCount(Answer):
    """How many sessions ended for one reason."""

    reason: Reason
    fault: Fault
    count: int


class LatencyAt(Answer):
    """The latencies of one stretch of time."""

    at: int = Field(description="When the stretch begins.")
    start: Latency
    turn: Latency


class Charts(Message):
    """The last 24 hours; sent when they have changed, at most every ten seconds."""

    event: ClassVar[str] = "charts"

    hours: Sequence[Hour] = Field(description="24 of them, the oldest first, the last one present.")
    ends: Sequence[EndCount] = Field(description="Over all 24 hours, the most frequent first.")
    latencies: Sequence[LatencyAt] = Field(
        description="Stretches of ten minutes, the oldest first; empty ones are left out."
    )
