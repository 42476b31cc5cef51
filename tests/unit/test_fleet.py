"""Which workers are alive, and how many calls can they take?"""

from __future__ import annotations

from dataclasses import replace

from redis import Redis

from sessions import keys
from sessions.fleet import Fleet, WorkerRecord
from sessions.settings import Settings
from sessions.store import SessionStore


def test_worker_when_it_reports_then_is_alive_with_its_slots(
    redis: Redis, settings: Settings, alive_worker: WorkerRecord
) -> None:
    fleet = Fleet(redis, settings)
    busy = replace(alive_worker, name="another", busy=5)
    fleet.report(busy)
    assert fleet.alive() == [busy, alive_worker]
    assert (alive_worker.free, busy.free) == (3, 0)


def test_worker_when_it_reports_then_its_keys_go_by_themselves(
    redis: Redis, settings: Settings, alive_worker: WorkerRecord
) -> None:
    lost_ms = settings.worker_lost_seconds * 1000
    assert 0 < redis.pttl(keys.worker(alive_worker.name)) <= lost_ms
    assert redis.pttl(keys.WORKERS) > 0


def test_worker_when_it_leaves_then_is_gone_at_once(
    redis: Redis, settings: Settings, alive_worker: WorkerRecord
) -> None:
    fleet = Fleet(redis, settings)
    fleet.leave(alive_worker.name)
    fleet.leave("never was")
    assert fleet.alive() == []
    assert list(redis.scan_iter()) == []


def test_worker_when_its_record_has_gone_then_is_not_alive(
    redis: Redis, settings: Settings, alive_worker: WorkerRecord
) -> None:
    redis.delete(keys.worker(alive_worker.name))
    assert Fleet(redis, settings).alive() == []


def test_worker_when_silent_too_long_then_is_forgotten(
    redis: Redis, settings: Settings, store: SessionStore, alive_worker: WorkerRecord
) -> None:
    fleet = Fleet(redis, settings)
    lost_ms = settings.worker_lost_seconds * 1000
    assert fleet.forget_lost(alive_worker.heartbeat + lost_ms) == 0
    assert fleet.forget_lost(alive_worker.heartbeat + lost_ms + 1) == 1
    assert redis.zcard(keys.WORKERS) == 0
