"""How is the house at this moment, as an operator wants to know it?"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from typing import cast

from orchestrator.dashboard.day import latency
from orchestrator.dashboard.house_messages import House, QueueSeen, Upkeep, WorkerSeen
from orchestrator.http.answers import ReadyAnswer
from orchestrator.services import Services
from sessions import keys
from sessions.fleet import WorkerRecord
from sessions.samples import Sample

_STEP_MS = 5_000
"""Ages are told in such steps: one that grows all the time would be news all the time."""


def look_around(house: Services, lately: Sample, health: ReadyAnswer, now: int) -> House:
    """Return the house; ``lately`` is what was timed, ``health`` what was checked last."""
    directory = house.directory
    states = directory.count_by_state()
    workers = house.fleet.alive()
    taking = [one for one in workers if not one.draining]
    return House(
        live=sum(states.values()),
        states=states,
        queue=_queue(house),
        workers=[_worker(one, now) for one in workers],
        slots=sum(one.slots for one in taking),
        busy=sum(one.busy for one in taking),
        start=latency(lately.start),
        turn=latency(lately.turn),
        upkeep=_upkeep(house, now),
        ready=health.ready,
        checks=health.checks,
    )


def _queue(house: Services) -> QueueSeen:
    length = house.directory.queue_length()
    return QueueSeen(
        length=length,
        oldest_since=house.directory.oldest_waiting() if length else None,
        estimated_wait_ms=house.outlooks.recent().wait(length + 1),
    )


def _worker(record: WorkerRecord, now: int) -> WorkerSeen:
    return WorkerSeen(
        name=record.name,
        host=record.host,
        version=record.version,
        slots=record.slots,
        busy=record.busy,
        draining=record.draining,
        drain_ends_at=record.drain_ends or None,
        waits_for=record.waits_for,
        started_at=record.started or None,
        silent_ms=_age(record.heartbeat, now),
    )


def _upkeep(house: Services, now: int) -> Upkeep:
    deadline = house.directory.next_deadline()
    reaped = cast("str | None", house.redis.get(keys.REAPED))
    return Upkeep(
        beat_up=bool(house.redis.exists(keys.BEAT_LOCK)),
        overdue_ms=0 if deadline is None else _age(deadline, now),
        reaped_ms=None if reaped is None else _age(int(reaped), now),
    )


def _age(moment: int, now: int) -> int:
    age = max(0, now - moment)
    return age - age % _STEP_MS
