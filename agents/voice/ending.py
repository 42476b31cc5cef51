"""Why is this call over? The first cause counts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from sessions.errors import StaleGenerationError
from sessions.states import Fault, Reason

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """The cause of an end. ``reason`` is ``None`` where somebody else has ended the session."""

    reason: Reason | None
    fault: Fault | None = None
    detail: str | None = None


class ConnectionLostError(Exception):
    """The media server has gone away in the middle of the call."""


class Ender:
    """Where everything that can end a call says so, and the call waits to hear it."""

    def __init__(self) -> None:
        self._cause: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    def end(
        self, reason: Reason | None, *, fault: Fault | None = None, detail: str | None = None
    ) -> None:
        """End the call, unless it is ending already."""
        if not self._cause.done():
            self._cause.set_result(Ending(reason, fault, detail))

    def fail(self, error: BaseException) -> None:
        """End the call by raising ``error`` where it is waited for."""
        if not self._cause.done():
            self._cause.set_exception(error)
        elif not isinstance(error, StaleGenerationError):
            log.warning("error_after_the_end", exc_info=error)

    @property
    def over(self) -> bool:
        """Tell whether the call is ending."""
        return self._cause.done()

    async def wait(self) -> Ending:
        """Return the cause when there is one, or raise what ``fail`` was given."""
        return await asyncio.shield(self._cause)
