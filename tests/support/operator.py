"""An operator's page, as far as the stream goes: it keeps the picture and what it was told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from tests.support.eventually import eventually


class Operator:
    """Reads the lines of a stream in a thread, and remembers every message in order."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self.written: list[str] = []
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self.ids: list[int] = []
        self.rows: dict[str, dict[str, Any]] = {}
        self.is_over = False
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def all(self, event: str) -> list[dict[str, Any]]:
        """Return the messages of one name so far."""
        return [data for name, data in list(self.messages) if name == event]

    def last(self, event: str) -> dict[str, Any]:
        """Return the newest message of a name, as soon as there is one."""
        return eventually(lambda: self.all(event))[-1]

    def row(self, session_id: str, **wanted: object) -> dict[str, Any]:
        """Return a session's row as soon as it has these values."""

        def find() -> dict[str, Any]:
            row = self.rows.get(session_id, {})
            return row if all(row.get(k) == v for k, v in wanted.items()) else {}

        return eventually(find)

    def until(self, event: str, is_right: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first message of a name that is right."""
        return eventually(lambda: [data for data in self.all(event) if is_right(data)])[0]

    def _read(self) -> None:
        event, data = "", ""
        try:
            for line in self._lines:
                self.written.append(line)
                name, _, value = line.partition(": ")
                match name:
                    case "id":
                        self.ids.append(int(value))
                    case "event":
                        event = value
                    case "data":
                        data = value
                    case "" if not line and event:
                        self._take(event, json.loads(data))
                        event = ""
                    case _:
                        pass
        except (httpx.HTTPError, httpx.StreamError) as error:
            self.failure = error
        self.is_over = True

    def _take(self, event: str, data: dict[str, Any]) -> None:
        match event:
            case "hello":
                self.rows = {}
            case "rows":
                self.rows |= {row["id"]: row for row in data["rows"]}
            case "gone":
                for session_id in data["ids"]:
                    self.rows.pop(session_id, None)
            case _:
                pass
        self.messages.append((event, data))


def lines_of(parts: Iterable[str]) -> Iterator[str]:
    """Return lines as an event stream has them: what else breaks lines elsewhere is text here."""
    rest = ""
    for part in parts:
        *lines, rest = (rest + part).split("\n")
        yield from lines


@contextmanager
def watching(url: str, headers: Mapping[str, str] | None = None) -> Iterator[Operator]:
    """Watch a web front for a ``with`` block, once its picture is complete."""
    with (
        httpx.Client(timeout=30) as client,
        client.stream("GET", f"{url}/dashboard/events", headers=headers) as response,
    ):
        assert response.status_code == 200, response.read()
        operator = Operator(lines_of(response.iter_text()))
        operator.until("rows", lambda data: data["complete"])
        yield operator
