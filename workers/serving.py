"""Which call does each child of this worker serve, and is the call still the child's own?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import psutil

from sessions.counters import Drift
from sessions.fleet import BusyCall
from sessions.models import Session
from sessions.settings import host_name
from sessions.states import State
from workers.owner import Owner, process_start


@dataclass(frozen=True, slots=True)
class Served:
    """A task that a child works on, and the call it is about."""

    task_id: str
    call: BusyCall

    def is_over(self, session: Session | None) -> bool:
        """Tell whether the child should have left its call, which now is ``session``."""
        if session is None or session.state is State.ENDING:
            return True
        return self._has_lost(session)

    def drift(self, session: Session | None) -> Drift | None:
        """Return what it is called that the child works on, if the call is not its own."""
        if session is None or self._has_lost(session):
            return Drift.PROCESS_WITHOUT_LEASE
        return None

    def stands_by(self, session: Session | None) -> bool:
        """Tell whether the child waits to take the call over in good order."""
        return session is not None and session.is_awaited_by(self.call.generation)

    def _has_lost(self, session: Session) -> bool:
        if self.stands_by(session):
            return False
        if session.generation != self.call.generation:
            return True
        owner = Owner.parse(session.owner)
        if owner is None or owner.generation != session.generation:
            return False
        return (owner.host, owner.pid) != (host_name(), self.call.pid)


def served_by(requests: Iterable[Any]) -> list[Served]:
    """Return what the children do that work on these requests of Celery's."""
    served: list[Served] = []
    for request in requests:
        session_id, generation = cast("tuple[str, int]", tuple(request.args))
        pid = request.worker_pid
        # A child that has just died serves nothing.
        with contextlib.suppress(psutil.NoSuchProcess):
            if pid:
                call = BusyCall(session_id, generation, pid, process_start(pid))
                served.append(Served(request.id, call))
    return served
