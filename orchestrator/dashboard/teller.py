"""Who tells of the house, of the last day and of what has ended? Whoever may be kept waiting.

The database and the health checks can be slow, so this has a thread of its own beside the reader.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from orchestrator.dashboard.board import Board
from orchestrator.dashboard.day import Day
from orchestrator.dashboard.frames import encode
from orchestrator.dashboard.house_messages import House
from orchestrator.dashboard.messages import EndedSession, Trouble
from orchestrator.dashboard.names import KeyNames
from orchestrator.dashboard.present import look_around
from orchestrator.dashboard.rows import printable
from orchestrator.dashboard.seat import ENDED_SHOWN
from orchestrator.health.readiness import check_house
from orchestrator.http.answers import ReadyAnswer
from orchestrator.services import Services
from sessions.endings import Ending, Endings
from sessions.figures import Figures
from sessions.samples import Samples

_HOUSE_SECONDS, _HEALTH_SECONDS, _CHARTS_SECONDS = 1.0, 5.0, 10.0

log = structlog.get_logger(__name__)


class Teller:
    """Tells what changes slowly, while somebody watches."""

    def __init__(self, house: Services, board: Board, names: KeyNames) -> None:
        self._house = house
        self._board = board
        self._names = names
        self._endings = Endings(house.engine)
        self._figures = Figures(house.redis)
        self._day = Day(self._endings, Samples(house.redis))
        self._bell = threading.Event()
        self._ended: deque[str] = deque(maxlen=ENDED_SHOWN)
        self._told: House | None = None
        self._health = ReadyAnswer(ready=True, missing=[], checks=[])
        self._due: dict[str, float] = {}
        self._misses_database = False

    def tell_ended(self, session_ids: list[str]) -> None:
        """Have it told how these ended, as soon as can be."""
        self._ended.extend(session_ids)
        self._bell.set()

    def run(self) -> None:
        """Tell until nobody watches."""
        self._board.forget_house()
        self._due.clear()
        self._misses_database = False
        self._archive(self._show_last_ends)
        while self._board.is_watched:
            try:
                self._go_round()
            except Exception:
                log.exception("dashboard_house_untold")
            self._bell.wait(_HOUSE_SECONDS)
            self._bell.clear()

    def _go_round(self) -> None:
        self._archive(self._tell_ends)
        if self._is_due("house", _HOUSE_SECONDS):
            if self._is_due("health", _HEALTH_SECONDS):
                self._health = check_house(self._house)
            try:
                self._tell_house()
            except RedisError:
                self._tell_health()
        self._archive(self._names.refresh)

    def _tell_house(self) -> None:
        now, reading = self._house.store.now(), self._figures.read()
        if self._is_due("charts", _CHARTS_SECONDS):
            self._archive(lambda: self._board.put("charts", self._day.look_back(reading, now)))
        lately = self._day.lately(reading, now)
        self._told = look_around(self._house, lately, self._health, now)
        self._board.put("house", self._told)

    def _tell_health(self) -> None:
        """Tell at least what is not well; the rest is as it was."""
        if self._told is not None:
            news = {"ready": self._health.ready, "checks": self._health.checks}
            self._board.put("house", self._told.model_copy(update=news))

    def _show_last_ends(self) -> None:
        self._show(self._endings.last(ENDED_SHOWN))

    def _tell_ends(self) -> None:
        if session_ids := list(self._ended):
            self._show(self._endings.of(session_ids))
            for _ in session_ids:
                self._ended.popleft()

    def _show(self, endings: list[Ending]) -> None:
        for one in endings:
            self._names.name_of(one.scope)
        self._names.refresh()
        self._board.end({one.id: encode(self._ended_session(one)) for one in endings[::-1]})

    def _ended_session(self, ending: Ending) -> EndedSession:
        return EndedSession.model_validate(
            {
                "id": ending.id,
                "user": ending.user_name,
                "channel": ending.channel,
                "reason": ending.reason,
                "fault": ending.fault,
                "detail": None if ending.detail is None else printable(ending.detail),
                "recoveries": ending.recoveries,
                "accepted_at": ending.accepted_at,
                "ended_at": ending.ended_at,
                "duration_ms": max(0, ending.ended_at - ending.accepted_at),
                "scope": ending.scope,
                "key": self._names.name_of(ending.scope),
            }
        )

    def _archive(self, ask: Callable[[], None]) -> None:
        """Ask the database something; where it does not answer, that is told instead."""
        try:
            ask()
        except SQLAlchemyError as error:
            if not self._misses_database:
                log.warning("dashboard_database_away", error=type(error).__name__)
            self._misses_database = True
            detail = "The database does not answer: what has ended, and charts, are as they were. "
            detail += "Start it, or set SWITCHBOARD_DATABASE_URL to where it is."
            self._board.put("trouble database", Trouble(what="database", detail=detail))
            return
        if self._misses_database:
            self._misses_database = False
            self._board.put("trouble database", Trouble(what="database", detail=""))

    def _is_due(self, what: str, every: float) -> bool:
        if time.monotonic() < self._due.get(what, float("-inf")):
            return False
        self._due[what] = time.monotonic() + every
        return True
