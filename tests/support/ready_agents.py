"""Who answers calls in a test without agents? Somebody who says at once that they are ready."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sessions.directory import Directory
from sessions.outcomes import Claim
from sessions.states import State
from sessions.store import SessionStore
from tests.support.sessions import owner_of

_PAUSE_SECONDS = 0.01


@contextmanager
def ready_agents(store: SessionStore, *, ready: bool = True) -> Iterator[None]:
    """Take every session that waits for an agent, and unless told otherwise be ready."""
    over = threading.Event()
    directory = Directory(store.redis)

    def serve() -> None:
        while not over.wait(_PAUSE_SECONDS):
            for session in filter(None, directory.load_many(directory.newest(None, None, 100))):
                if session.state not in (State.QUEUED, State.RECOVERING):
                    continue
                number = session.generation
                claim = store.claim(session.id, number, owner_of(number), "sessions@test", "t", 7)
                if ready and isinstance(claim, Claim):
                    store.ready(session.id, number)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
