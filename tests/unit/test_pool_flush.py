"""What does the pool know of its children after the broker was lost?"""

from __future__ import annotations

import os
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest
from billiard.pool import RUN
from kombu.asynchronous.hub import Hub

from workers.pool import SingleUsePool


class Child(SimpleNamespace):
    """A process of the pool, as far as a flush looks at it."""

    alive: bool = True

    def _is_alive(self) -> bool:
        return self.alive


class Job(SimpleNamespace):
    """A job in the pool's cache."""

    cache: dict[int, Any]
    number: int
    _accepted: bool = False
    _write_to: Child | None = None
    _scheduled_for: Child | None = None

    def discard(self) -> None:
        self.cache.pop(self.number, None)


@pytest.fixture
def pool() -> SingleUsePool:
    """A pool without processes: only what a flush touches."""
    pool: Any = SingleUsePool.__new__(SingleUsePool)
    pool._state, pool.synack = RUN, False
    pool.outbound_buffer, pool._active_writers, pool._active_writes = deque(), set(), set()
    pool._cache, pool._pool, pool._busy_workers = {}, [], set()
    pool.maintain_pool = lambda: None
    return pool


def test_flush_when_a_child_has_its_job_then_both_stay_known(pool: Any) -> None:
    serving, served, idle, gone = (Child(inqW_fd=fd) for fd in (5, 6, 7, 8))
    pool._pool = [serving, served, idle, gone]
    pool._busy_workers = {5, 6, 7, 8}
    jobs = {
        1: Job(cache=pool._cache, number=1, _write_to=serving, _scheduled_for=serving),
        2: Job(cache=pool._cache, number=2, _scheduled_for=idle),
        3: Job(cache=pool._cache, number=3, _write_to=gone, _scheduled_for=gone),
    }
    pool._cache.update(jobs)
    gone.alive = False
    pool.flush()
    assert pool._cache == {1: jobs[1]}
    # Who has served and not gone yet is given nothing more; who was given nothing is free.
    assert pool._busy_workers == {5, 6}


def test_child_when_it_has_exited_before_the_broker_is_back_then_is_watched_no_more(
    pool: Any,
) -> None:
    hub = Hub()
    sentinel, other_end = os.pipe()
    child = Child(_popen=SimpleNamespace(sentinel=sentinel))
    pool._track_child_process(child, hub)
    [watched] = hub.readers
    pool._untrack_child_process(child, hub)
    pool._track_child_process(child, hub)
    assert watched != sentinel
    assert not hub.readers
    hub.close()
    os.close(sentinel)
    os.close(other_end)
