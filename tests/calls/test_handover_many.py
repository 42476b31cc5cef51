"""Several calls leave a worker at once, or cannot: none of them is dropped, none is disturbed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from sessions.models import Session
from sessions.states import State
from tests.fixtures.house import House
from tests.support.eventually import eventually
from tests.support.shifts import Shifts, shifts


@pytest.fixture(scope="module")
def house_of_shifts(house: House) -> Iterator[Shifts]:
    patient = {
        "join_timeout_seconds": 120,
        "idle_timeout_seconds": 120,
        "queue_timeout_seconds": 60,
    }
    with shifts(house, handover_patience_seconds=1, worker_concurrency=2, **patient) as found:
        yield found


@pytest.fixture
def workers(house_of_shifts: Shifts) -> Iterator[Shifts]:
    yield house_of_shifts
    house_of_shifts.tidy()


def now(workers: Shifts, session: Session) -> Session:
    found = workers.small.context.directory.load(session.id)
    assert found is not None
    return found


def is_with(workers: Shifts, session: Session, name: str) -> Callable[[], bool]:
    def check() -> bool:
        found = now(workers, session)
        return (found.state, found.worker) == (State.READY, name)

    return check


def test_drain_when_there_are_fewer_slots_than_calls_then_they_go_one_by_one(
    workers: Shifts,
) -> None:
    small, first = workers.small, workers.name
    mine = [workers.start() for _ in range(2)]
    before = workers.relieve()
    theirs = workers.start()
    assert now(workers, theirs).worker == workers.name
    small.context.fleet.ask_to_drain(workers.alive(first))

    def some_are_left() -> bool:
        there = [now(workers, one).worker == workers.name for one in mine]
        return any(there) and workers.alive(first).waits_for.endswith("for 1 call.")

    eventually(some_are_left, 30, "one has gone and one waits")
    moved, left = sorted(mine, key=lambda one: now(workers, one).generation, reverse=True)
    assert (now(workers, left).generation, now(workers, left).worker) == (1, first)
    queued = small.start()
    assert small.is_queued(queued.id)
    small.end(theirs.id)
    small.wait_until_archived(theirs.id)
    eventually(is_with(workers, queued, workers.name), 20, "whoever waits for a first agent")
    small.end(queued.id)
    small.wait_until_archived(queued.id)
    eventually(is_with(workers, left, workers.name), 20, "the other call has gone as well")
    workers.assert_gone(before, first)
    generations = [now(workers, one).generation for one in (moved, left)]
    assert generations == [2, 2]
    assert [now(workers, one).recoveries for one in mine] == [0, 0]


def test_drain_when_an_agent_dies_and_the_rest_is_cut_then_all_go_on_with_the_next_worker(
    workers: Shifts,
) -> None:
    before, first = workers.worker, workers.name
    died, cut = workers.start(), workers.start()
    before.process.terminate()
    eventually(lambda: workers.alive(first).waits_for, 10, "nobody is there to take over")
    [pid] = [one.pid for one in workers.alive(first).calls if one.session_id == died.id]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: now(workers, died).state is State.RECOVERING, 20, "its death is noticed")
    assert now(workers, died).cause == "agent_died"
    assert now(workers, cut).state is State.READY
    before.process.terminate()
    workers.assert_gone(before, first)
    assert (now(workers, cut).state, now(workers, cut).cause) == (State.RECOVERING, "drain_limit")
    assert (now(workers, died).recoveries, now(workers, cut).recoveries) == (1, 0)
    workers.relieve()
    for session in (died, cut):
        eventually(is_with(workers, session, workers.name), 30, "the call goes on")


def test_worker_when_everything_is_stopped_at_once_then_it_ends_soon(workers: Shifts) -> None:
    worker, name = workers.worker, workers.name
    session = workers.start()
    # As honcho does it on Ctrl-C of `make run`.
    os.killpg(worker.pid, signal.SIGTERM)
    assert worker.process.wait(10) == 0, worker.tail()
    assert workers.record(name) is None
    assert now(workers, session).state is State.RECOVERING
