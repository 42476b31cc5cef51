"""What becomes of the open sockets, and of the dashboards, when their web process is to end?

gunicorn waits for open requests before a worker exits, and these are some that never end by
themselves. So we watch the worker, and tell every client at once to come back to another process.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

from flask import Flask
from wsproto.frame_protocol import CloseReason

from orchestrator.dashboard.watching import Watching, watching_of
from orchestrator.sockets.outbox import Farewell
from orchestrator.sockets.roster import Roster
from orchestrator.sockets.routes import sockets_of

_LOOK_SECONDS = 0.1
_GRACE_SECONDS = 1.5
"""After so long a client that does not take its goodbye is cut off."""


class Worker(Protocol):
    """The part of a gunicorn worker that tells whether it is to go on."""

    alive: bool


def close_sockets_with(worker: Worker, app: Flask) -> None:
    """Close the sockets of ``app`` with 1012, and its streams, as soon as ``worker`` is to stop."""
    parts = worker, sockets_of(app).roster, watching_of(app)
    threading.Thread(target=_watch, args=parts, name="closing", daemon=True).start()


def _watch(worker: Worker, roster: Roster, watching: Watching) -> None:
    while worker.alive:
        time.sleep(_LOOK_SECONDS)
    watching.close()
    roster.close_all(
        Farewell(CloseReason.SERVICE_RESTART, "This server restarts; come back with ?since=")
    )
    time.sleep(_GRACE_SECONDS)
    roster.cut_all()
