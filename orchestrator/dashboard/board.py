"""What is the picture that everybody who watches sees, and who does?

One a web process. What it shows is encoded once, however many watch.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping

from orchestrator.dashboard.frames import frame, frame_of_ended, frame_of_rows
from orchestrator.dashboard.messages import Gone, Hello, Message
from orchestrator.dashboard.seat import ENDED_SHOWN, Seat

SLOW_SECONDS = 10.0
"""Whoever takes nothing for so long is cut off; it gets a new picture when it comes back."""
_ROWS_AT_ONCE = 200
_IN_A_PICTURE = ("house", "charts", "trouble redis", "trouble database")


class Board:
    """The picture, and the seats in front of it."""

    def __init__(self, linger_seconds: float) -> None:
        self.rows: dict[str, bytes] = {}
        self.last_left = float("-inf")
        self._linger = linger_seconds
        self._hello: Hello | None = None
        self._shown_at = 0.0
        self._stills: dict[str, bytes] = {}
        self._ended: OrderedDict[str, bytes] = OrderedDict()
        self._seats: set[Seat] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._seats)

    @property
    def is_watched(self) -> bool:
        """Whether somebody watches, or has a moment ago: a page that is loaded anew."""
        return bool(self._seats) or time.monotonic() - self.last_left < self._linger

    def sit(self, seat: Seat) -> None:
        """Let somebody watch."""
        with self._lock:
            self._seats.add(seat)
            seat.stills.update(dict.fromkeys(self._stills))
        seat.ring()

    def leave(self, seat: Seat) -> None:
        """Let somebody go; doing so twice changes nothing."""
        with self._lock:
            self._seats.discard(seat)
            self.last_left = time.monotonic()

    def show(self, hello: Hello, rows: Mapping[str, bytes]) -> None:
        """Begin a new picture with these rows."""
        with self._lock:
            self._hello, self._shown_at = hello, time.monotonic()
            self.rows = dict(rows)
            self._stills.pop("trouble redis", None)
            for seat in self._seats:
                seat.begin_anew()

    def change(self, changed: Mapping[str, bytes], gone: Iterable[str]) -> None:
        """Put rows into the picture that are new there or different, and take others away."""
        with self._lock:
            news = {id_: row for id_, row in changed.items() if self.rows.get(id_) != row}
            lost = [id_ for id_ in gone if self.rows.pop(id_, None) is not None]
            self.rows.update(news)
            if news or lost:
                for seat in self._seats:
                    seat.mark_rows(news, lost)

    def put(self, name: str, message: Message) -> None:
        """Show one of the house's own messages, if it is another than before."""
        written = frame(message)
        with self._lock:
            if self._stills.get(name) == written:
                return
            self._stills[name] = written
            for seat in self._seats:
                seat.mark_still(name)

    def end(self, sessions: Mapping[str, bytes]) -> None:
        """Show sessions that have ended, the last one last; what is shown already is no news."""
        with self._lock:
            news = {id_: one for id_, one in sessions.items() if id_ not in self._ended}
            self._ended.update(news)
            while len(self._ended) > ENDED_SHOWN:
                self._ended.popitem(last=False)
            for seat in self._seats if news else ():
                seat.mark_ended(news.values())

    def forget_rows(self) -> None:
        """Show no rows: nobody keeps them any more."""
        with self._lock:
            self._hello = None
            self.rows = {}

    def forget_house(self) -> None:
        """Show nothing of the house: it is from the time when somebody watched last."""
        with self._lock:
            self._stills.clear()
            self._ended.clear()

    def cut_slow(self) -> int:
        """Cut off whoever does not take what it is sent; return how many."""
        slow = [seat for seat in list(self._seats) if seat.is_slower_than(SLOW_SECONDS)]
        for seat in slow:
            seat.cut()
        return len(slow)

    def close(self) -> None:
        """Have every stream end, also one that does not take what it is sent."""
        for seat in list(self._seats):
            if seat.is_slower_than(0):
                seat.cut()
            seat.close()

    def take(self, seat: Seat) -> Iterator[bytes]:
        """Return what a watcher is to be told now, as frames; each is made when it is wanted."""
        with self._lock:
            hello, shown_at = self._hello, self._shown_at
            is_picture = seat.is_new and hello is not None
            if is_picture:
                seat.is_new = False
                seat.known = set(self.rows)
                ids, gone = list(self.rows), []
                names = [name for name in _IN_A_PICTURE if name in self._stills]
                ended = list(self._ended.values())
            else:
                ids, gone = list(seat.changed), list(seat.gone)
                names = [name for name in seat.stills if name in self._stills]
                ended = list(seat.ended)
                seat.known.update(ids)
                seat.known.difference_update(gone)
            stills = [self._stills[name] for name in names]
            seat.changed, seat.stills, seat.gone = {}, {}, set()
            seat.ended.clear()
        if is_picture and hello is not None:
            # The picture may have been there for hours when somebody else sits down before it.
            now = hello.now + round((time.monotonic() - shown_at) * 1000)
            yield frame(hello.model_copy(update={"now": now, "live": len(ids)}))
        yield from stills
        if ended:
            yield frame_of_ended(ended[::-1])
        if gone:
            yield frame(Gone(ids=gone))
        yield from self._rows_of(ids, is_picture=is_picture)

    def _rows_of(self, ids: list[str], *, is_picture: bool) -> Iterator[bytes]:
        if is_picture and not ids:
            yield frame_of_rows([], complete=True)
        for begin in range(0, len(ids), _ROWS_AT_ONCE):
            part = ids[begin : begin + _ROWS_AT_ONCE]
            rows = [row for id_ in part if (row := self.rows.get(id_)) is not None]
            is_last = begin + _ROWS_AT_ONCE >= len(ids)
            yield frame_of_rows(rows, complete=is_last or not is_picture)
