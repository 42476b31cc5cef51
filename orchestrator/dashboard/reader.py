"""Who keeps the rows of the picture up to date? One connection to Redis for all who watch.

Every event of every session wakes it. The first change is looked up at once, those after it ten
times a second at the most, for all sessions that woke meanwhile and for so many at the most.
However busy the house is, the reader spends a quarter of its time on it and not more: then rows
come later, and each only with its newest state.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from redis import Redis
from redis.client import PubSub
from redis.exceptions import ConnectionError, RedisError

from orchestrator.dashboard.board import Board
from orchestrator.dashboard.frames import encode
from orchestrator.dashboard.messages import Hello, Trouble
from orchestrator.dashboard.names import KeyNames
from orchestrator.dashboard.rows import Watched, look
from orchestrator.services import Services
from sessions import keys
from sessions.ids import is_session_id

PATIENCE_SECONDS = 5.0
"""After so much silence the reader rings its own bell to learn whether the line still works."""
_PACE_SECONDS = 0.1
_REST = 3
"""How much longer than it took a look is followed by none."""
_SESSIONS_AT_ONCE = 500
_SESSIONS_A_TRIP = 100
"""Between two trips to Redis everybody else in this process gets their turn."""
_IDLE_SECONDS = 1.0
_COMPARE_SECONDS = 10.0
"""What goes without an event, by its TTL, is missed by nobody for longer."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0

log = structlog.get_logger(__name__)


class Reader:
    """Reads what sessions do, while somebody watches."""

    def __init__(
        self,
        house: Services,
        board: Board,
        *,
        connect: Callable[[], Redis],
        names: KeyNames,
        hello: Callable[[int], Hello],
        on_ended: Callable[[list[str]], None],
    ) -> None:
        self._redis = house.redis
        self._board = board
        self._connect = connect
        self._names = names
        self._hello = hello
        self._on_ended = on_ended
        self._bell = f"dashboard:{secrets.token_hex(8)}"
        self._watched: dict[str, Watched] = {}
        self._woken: set[str] = set()
        self._heard_at = self._compared_at = 0.0
        self._pause = _FIRST_PAUSE

    def run(self) -> None:
        """Keep the rows until nobody watches."""
        while self._board.is_watched:
            try:
                self._serve()
            except (RedisError, OSError) as error:
                log.warning("dashboard_interrupted", error=str(error), again_in=self._pause)
                self._tell_trouble()
            except Exception:
                log.exception("dashboard_interrupted", again_in=self._pause)
            if self._board.is_watched:
                time.sleep(self._pause)
                self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        self._watched.clear()
        self._board.forget_rows()

    def _serve(self) -> None:
        """Read on one connection until it fails or nobody watches."""
        with contextlib.closing(self._connect()) as client, client.pubsub() as pubsub:
            pubsub.subscribe(self._bell)
            pubsub.psubscribe(keys.EVERY_LOG)
            for _ in range(2):
                # What happens before it says that it listens makes no noise.
                if pubsub.get_message(timeout=PATIENCE_SECONDS) is None:
                    raise ConnectionError("Redis does not take subscriptions.")
            self._heard_at = time.monotonic()
            self._take_picture()
            while self._board.is_watched:
                began = time.monotonic()
                self._update()
                self._compare()
                self._pause = _FIRST_PAUSE
                if cut := self._board.cut_slow():
                    log.warning("dashboard_stream_too_slow", cut=cut)
                took = time.monotonic() - began
                self._listen(pubsub, began + max(_PACE_SECONDS, took * (1 + _REST)))

    def _take_picture(self) -> None:
        """Look at all that lives and show it."""
        self._watched.clear()
        self._woken.clear()
        rows, _ = self._look(self._live())
        self._compared_at = time.monotonic()
        self._board.show(self._hello(len(rows)), rows)

    def _update(self) -> None:
        """Look at sessions that woke, and show what is new."""
        if named := self._names.take_found():
            self._woken.update(one.id for one in self._watched.values() if one.scope in named)
        batch = [self._woken.pop() for _ in range(min(len(self._woken), _SESSIONS_AT_ONCE))]
        if not batch:
            return
        try:
            changed, gone = self._look(batch)
        except RedisError:
            self._woken.update(batch)
            raise
        self._board.change(changed, gone)
        if gone:
            self._on_ended(gone)

    def _look(self, session_ids: list[str]) -> tuple[dict[str, bytes], list[str]]:
        """Return the rows of these sessions, encoded, and which of them live no more."""
        watched = [self._watched.get(id_) or Watched(id_) for id_ in session_ids]
        rows: dict[str, bytes] = {}
        gone: list[str] = []
        for one, replies in self._ask(watched):
            try:
                row = one.read(replies, self._names.name_of)
            except (KeyError, ValueError):
                log.exception("session_unreadable", session_id=one.id)
                row = None
            if row is None:
                self._watched.pop(one.id, None)
                gone.append(one.id)
                continue
            self._watched[one.id] = one
            rows[one.id] = encode(row)
            if one.has_more:
                self._woken.add(one.id)
        return rows, gone

    def _ask(self, watched: list[Watched]) -> Iterator[tuple[Watched, tuple[Any, ...]]]:
        for begin in range(0, len(watched), _SESSIONS_A_TRIP):
            part = watched[begin : begin + _SESSIONS_A_TRIP]
            yield from zip(part, look(self._redis, part), strict=True)

    def _compare(self) -> None:
        """Wake what came or went without an event that was heard."""
        if time.monotonic() - self._compared_at >= _COMPARE_SECONDS:
            self._woken |= self._watched.keys() ^ set(self._live())
            self._compared_at = time.monotonic()

    def _live(self) -> list[str]:
        return self._redis.zrange(keys.LIVE, 0, -1)  # pyright: ignore[reportReturnType]

    def _listen(self, pubsub: PubSub, due: float) -> None:
        """Take in what happens until the next look is due, or until something happens after that.

        So what happens in a quiet house is seen at once.
        """
        first = None if self._woken else pubsub.get_message(timeout=_IDLE_SECONDS)
        if first is not None:
            self._hear(first)
        time.sleep(max(0, due - time.monotonic()))
        while (message := pubsub.get_message(timeout=0)) is not None:
            self._hear(message)
        silence = time.monotonic() - self._heard_at
        if silence > 2 * PATIENCE_SECONDS:
            raise ConnectionError("Redis does not deliver messages any more.")
        if silence > PATIENCE_SECONDS:
            self._redis.publish(self._bell, "")

    def _hear(self, message: dict[str, Any]) -> None:
        self._heard_at = time.monotonic()
        if message["type"] == "pmessage":
            session_id = keys.session_id_of(message["channel"])
            if session_id is not None and is_session_id(session_id):
                self._woken.add(session_id)

    def _tell_trouble(self) -> None:
        detail = "Redis does not answer. What you see is as it was; calls that are going on go on. "
        detail += "Start Redis, or set SWITCHBOARD_REDIS_URL to where it is."
        self._board.put("trouble redis", Trouble(what="redis", detail=detail))
