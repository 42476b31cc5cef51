"""Which workers are alive, and how many calls can they take?

A worker writes its record every few seconds; a record that is not renewed goes by its TTL, and a
name in the index whose last heartbeat is too old counts as dead. A worker that drains is alive, but
in an index of its own: it takes no more calls, so nobody may count on it.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
from dataclasses import asdict, astuple, dataclass
from typing import cast

from redis import Redis

from sessions import keys
from sessions.settings import Settings


@dataclass(frozen=True, slots=True)
class BusyCall:
    """A call that a child of a worker serves.

    ``started`` (ms, by the worker's own clock) tells the process from a later one of that pid.
    """

    session_id: str
    generation: int
    pid: int
    started: int


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """One session worker; ``heartbeat`` is in Unix milliseconds of Redis's clock.

    One that drains leaves at ``drain_ends`` (the same clock) with what it still has, and says in
    ``waits_for`` what keeps it, if anything does.

    ``started`` is when its process began (ms, by its own clock); 0 where it does not say.
    """

    name: str
    host: str
    pid: int
    boot_id: str
    version: str
    slots: int
    busy: int
    heartbeat: int
    draining: bool = False
    drain_ends: int = 0
    waits_for: str = ""
    started: int = 0
    calls: tuple[BusyCall, ...] = ()

    @property
    def free(self) -> int:
        """Return how many calls the worker can still take."""
        return 0 if self.draining else max(0, self.slots - self.busy)


class Fleet:
    """The records of all session workers."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._lost_ms = settings.worker_lost_seconds * 1000

    def report(self, record: WorkerRecord) -> None:
        """Write a worker's record and its place in the index."""
        name = keys.worker(record.name)
        index, other = keys.WORKERS, keys.WORKERS_DRAINING
        if record.draining:
            index, other = other, index
        with self._redis.pipeline() as pipeline:
            pipeline.hset(name, mapping={**_fields(record)})
            pipeline.pexpire(name, self._lost_ms)
            pipeline.zadd(index, {record.name: record.heartbeat})
            pipeline.pexpire(index, keys.INDEX_TTL_MS)
            pipeline.zrem(other, record.name)
            pipeline.execute()

    def leave(self, name: str) -> None:
        """Take a worker that stops out of the fleet."""
        with self._redis.pipeline() as pipeline:
            pipeline.zrem(keys.WORKERS, name)
            pipeline.zrem(keys.WORKERS_DRAINING, name)
            pipeline.delete(keys.worker(name))
            pipeline.execute()

    def ask_to_drain(self, record: WorkerRecord) -> None:
        """Ask a worker to take no more calls and to leave; a later one of its name is not meant."""
        with self._redis.pipeline() as pipeline:
            pipeline.hset(keys.worker(record.name), "drain", record.started)
            pipeline.pexpire(keys.worker(record.name), self._lost_ms)
            pipeline.execute()

    def is_asked_to_drain(self, name: str, started: int) -> bool:
        """Tell whether the worker of that name, begun at that moment, has been asked to leave."""
        asked = cast("str | None", self._redis.hget(keys.worker(name), "drain"))
        return asked == str(started)

    def alive(self) -> list[WorkerRecord]:
        """Return the records of the workers that are alive, draining ones too, by name."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for index in (keys.WORKERS, keys.WORKERS_DRAINING):
                pipeline.zrange(index, 0, -1)
            indexes = cast("list[list[str]]", pipeline.execute())
        names = sorted({name for index in indexes for name in index})
        with self._redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.hgetall(keys.worker(name))
            hashes = cast("list[dict[str, str]]", pipeline.execute())
        return [_record(fields) for fields in hashes if "name" in fields]

    def taking_calls(self) -> list[WorkerRecord]:
        """Return the records of the workers that are alive and do not drain, by name."""
        return [record for record in self.alive() if not record.draining]

    def forget_lost(self, now: int) -> int:
        """Remove workers from the indexes that have been silent too long; return how many."""
        return sum(
            self._redis.zremrangebyscore(index, "-inf", f"({now - self._lost_ms}")
            for index in (keys.WORKERS, keys.WORKERS_DRAINING)
        )


def _fields(record: WorkerRecord) -> dict[str, str | int]:
    calls = json.dumps([astuple(call) for call in record.calls])
    return {**asdict(record), "draining": int(record.draining), "calls": calls}


def _record(fields: dict[str, str]) -> WorkerRecord:
    return WorkerRecord(
        name=fields["name"],
        host=fields["host"],
        pid=int(fields["pid"]),
        boot_id=fields["boot_id"],
        version=fields["version"],
        slots=int(fields["slots"]),
        busy=int(fields["busy"]),
        heartbeat=int(fields["heartbeat"]),
        # A worker of an older version says nothing of it.
        draining=fields.get("draining", "0") == "1",
        drain_ends=int(fields.get("drain_ends", "0")),
        waits_for=fields.get("waits_for", ""),
        started=int(fields.get("started", "0")),
        calls=tuple(BusyCall(*call) for call in json.loads(fields.get("calls", "[]"))),
    )
