"""How many requests may one caller make in a minute at this web process?"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cachetools import TTLCache

from orchestrator.access.principal import Principal
from sessions.errors import LimitReachedError
from sessions.settings import Mode, Settings

_MINUTE = 60.0
_CALLERS = 65_536
"""So many callers are counted at once; of more, those counted longest ago start anew."""


@dataclass(frozen=True, slots=True)
class _Window:
    """A minute that began with a caller's first request."""

    ends: float
    counts: Iterator[int]


class Rates:
    """Counts the requests of each API key and each session token; development counts none."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._off = settings.mode is Mode.DEVELOPMENT
        self._of_key = settings.limit_requests_per_minute
        self._of_session = settings.limit_session_requests_per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._windows = TTLCache[str, _Window, float](_CALLERS, _MINUTE, clock)

    def count(self, caller: Principal) -> None:
        """Count one request.

        Raises:
            LimitReachedError: the caller has made as many as it may in this minute.
        """
        most = self._of_key if caller.session_id is None else self._of_session
        if self._off or not most:
            return
        with self._lock:
            window = self._window(caller.session_id or caller.scope)
            made = next(window.counts)
        if made > most:
            seconds = max(1, round(window.ends - self._clock()))
            raise LimitReachedError(f"The limit of {most} requests a minute is reached.", seconds)

    def _window(self, name: str) -> _Window:
        window = self._windows.get(name)
        if window is None:
            window = self._windows[name] = _Window(self._clock() + _MINUTE, itertools.count(1))
        return window
