"""What a socket's outbox keeps, and what it says when there is too much of it."""

from __future__ import annotations

import threading

from wsproto.frame_protocol import CloseReason

from orchestrator.sockets.outbox import Entry, Farewell, Outbox

RESTART = Farewell(CloseReason.SERVICE_RESTART, "")


def entry(n: int) -> Entry:
    return Entry((n, 0), b"", is_last=False)


def test_gives_out_what_came_in_order_and_once() -> None:
    outbox = Outbox("s", room=3)
    for n in range(3):
        outbox.put(entry(n))
    assert outbox.take() == [entry(0), entry(1), entry(2)]
    assert outbox.take() == []


def test_rings_for_an_entry_and_for_a_farewell() -> None:
    outbox, bell = Outbox("s", room=3), threading.Event()
    outbox.attach(bell, lambda: None)
    outbox.put(entry(0))
    assert bell.is_set()
    bell.clear()
    outbox.close(RESTART)
    assert bell.is_set()


def test_one_too_many_empties_and_closes_it_for_good() -> None:
    outbox = Outbox("s", room=3)
    for n in range(4):
        outbox.put(entry(n))
    assert outbox.farewell is not None
    assert outbox.farewell.code == CloseReason.TRY_AGAIN_LATER
    outbox.put(entry(5))
    outbox.close(RESTART)
    assert outbox.take() == []
    assert outbox.farewell.code == CloseReason.TRY_AGAIN_LATER
