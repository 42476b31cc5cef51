"""Who works only while somebody watches?"""

from __future__ import annotations

import threading
from collections.abc import Callable

from orchestrator.dashboard.board import Board


class Shift:
    """A thread that begins with the first watcher and ends after the last one."""

    def __init__(self, name: str, board: Board, work: Callable[[], None]) -> None:
        self._name = name
        self._board = board
        self._work = work
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Have the work done from now on, if nobody does it; somebody must watch already."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._work()
            with self._lock:
                if not self._board.is_watched:
                    self._thread = None
                    return
