"""Which workers are alive, and how many calls can they take?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from redis import Redis

from sessions import keys
from sessions.errors import NoCapacityError
from sessions.fleet import Fleet, WorkerRecord
from sessions.settings import Settings
from sessions.store import SessionStore
from tests.support.sessions import new_session


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


def test_worker_when_it_drains_then_is_alive_and_no_capacity(
    redis: Redis, settings: Settings, store: SessionStore, alive_worker: WorkerRecord
) -> None:
    fleet = Fleet(redis, settings)
    draining = replace(alive_worker, draining=True)
    fleet.report(draining)
    assert fleet.alive() == [draining]
    assert fleet.taking_calls() == []
    assert draining.free == 0
    with pytest.raises(NoCapacityError):
        store.create(new_session())


def test_worker_when_it_is_back_after_draining_then_is_capacity(
    redis: Redis, settings: Settings, alive_worker: WorkerRecord
) -> None:
    fleet = Fleet(redis, settings)
    fleet.report(replace(alive_worker, draining=True))
    fleet.report(alive_worker)
    assert fleet.alive() == fleet.taking_calls() == [alive_worker]
    assert redis.zcard(keys.WORKERS_DRAINING) == 0


def test_worker_when_an_older_version_reports_then_it_does_not_drain(
    redis: Redis, settings: Settings, alive_worker: WorkerRecord
) -> None:
    redis.hdel(keys.worker(alive_worker.name), "draining")
    redis.hset(keys.worker(alive_worker.name), "fieldOfTomorrow", "1")
    assert Fleet(redis, settings).taking_calls() == [alive_worker]


@pytest.mark.parametrize("draining", [False, True])
def test_worker_when_it_leaves_while_draining_or_not_then_nothing_stays(
    redis: Redis, settings: Settings, alive_worker: WorkerRecord, *, draining: bool
) -> None:
    fleet = Fleet(redis, settings)
    fleet.report(replace(alive_worker, draining=draining))
    fleet.leave(alive_worker.name)
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
