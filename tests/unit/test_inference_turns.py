"""Is the queue for the processor short and fair?"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from inference.turns import BusyError, Turns
from tests.support.eventually import eventually


@pytest.fixture
def threads():
    with ThreadPoolExecutor(16) as pool:
        yield pool


class Occupied:
    """The only place of `turns` is taken until `free` is set."""

    def __init__(self, turns, threads):
        self.free = threading.Event()
        taken = threading.Event()

        def work():
            taken.set()
            return self.free.wait(10)

        self.done = threads.submit(turns.take, work)
        assert taken.wait(10)


def queue_up(turns, threads, count, work):
    """Let `count` threads wait, one after the other."""
    futures = []
    for number in range(count):
        futures.append(threads.submit(turns.take, lambda number=number: work(number)))
        eventually(lambda n=number: turns.waiting == n + 1, 20, f"{number} waits")
    return futures


def test_turns_when_several_wait_then_they_go_in_order_of_arrival(threads):
    turns = Turns(places=1, queue_length=4, queue_seconds=10)
    occupied = Occupied(turns, threads)
    order: list[int] = []
    waiting = queue_up(turns, threads, 4, order.append)
    occupied.free.set()
    for future in waiting:
        future.result(10)
    assert order == [0, 1, 2, 3]


def test_turns_when_the_queue_is_full_then_a_first_piece_is_refused_and_a_later_one_waits(threads):
    turns = Turns(places=1, queue_length=1, queue_seconds=10)
    occupied = Occupied(turns, threads)
    queue_up(turns, threads, 1, str)
    with pytest.raises(BusyError, match="full"):
        turns.take(str, first=True)
    later = threads.submit(turns.take, lambda: "later")
    eventually(lambda: turns.waiting == 2, 20, "the later piece waits")
    occupied.free.set()
    assert later.result(10) == "later"


def test_turns_when_the_wait_is_too_long_then_it_ends_and_leaves_the_queue(threads):
    turns = Turns(places=1, queue_length=2, queue_seconds=0.05)
    occupied = Occupied(turns, threads)
    [later] = queue_up(turns, threads, 1, lambda number: f"piece {number}")
    with pytest.raises(BusyError, match="too long"):
        turns.take(str, first=True)
    assert turns.waiting == 1
    occupied.free.set()
    assert occupied.done.result(10)
    assert later.result(10) == "piece 0"
    assert turns.take(lambda: "free again") == "free again"


def test_turns_when_work_fails_then_its_place_is_free_again():
    turns = Turns(places=1, queue_length=0, queue_seconds=0.05)
    with pytest.raises(ZeroDivisionError):
        turns.take(lambda: 1 / 0)
    assert turns.take(lambda: "free", first=True) == "free"
