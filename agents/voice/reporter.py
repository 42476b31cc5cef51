"""How does an agent tell what happens, in order and without ever waiting for Redis?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.voice.patience import until_redis_answers
from sessions.metering import current_meter
from sessions.store import SessionStore


@dataclass(frozen=True, slots=True)
class _Report:
    number: int
    kind: str
    data: Mapping[str, Any]
    turn: Mapping[str, Any] | None
    stamps: Sequence[str]
    fields: Mapping[str, str] | None


class Reporter:
    """Writes the events of one agent. While Redis is away they wait, and are written in order."""

    def __init__(self, store: SessionStore, session_id: str, generation: int) -> None:
        self._store = store
        self._session_id = session_id
        self._generation = generation
        self._told = 0
        self._reports: asyncio.Queue[_Report] = asyncio.Queue()

    def tell(
        self,
        kind: str,
        data: Mapping[str, Any],
        *,
        turn: Mapping[str, Any] | None = None,
        stamps: Sequence[str] = (),
        fields: Mapping[str, str] | None = None,
    ) -> None:
        """Take note of an event, and of a turn, timeline stamps and fields that go with it."""
        if turn is not None:
            turn = {**turn, "generation": self._generation}
        self._told += 1
        self._reports.put_nowait(_Report(self._told, kind, data, turn, stamps, fields))

    async def run(self) -> None:
        """Write events until cancelled.

        Raises:
            StaleGenerationError: another agent owns the session, or it is over.
        """
        while True:
            report = await self._reports.get()
            await self._write(report)
            self._reports.task_done()

    async def drain(self) -> None:
        """Wait until all that was told is written."""
        await self._reports.join()

    def _fields(self, report: _Report) -> Mapping[str, str] | None:
        """Have a turn take along what has been used so far, which costs no trip of its own."""
        if report.turn is None:
            return report.fields
        return {**(report.fields or {}), **current_meter().usage.to_fields(self._generation)}

    async def _write(self, report: _Report) -> None:
        await until_redis_answers(
            self._store.emit,
            self._session_id,
            report.kind,
            report.data,
            generation=self._generation,
            turn=report.turn,
            stamps=report.stamps,
            fields=self._fields(report),
            number=report.number,
        )
