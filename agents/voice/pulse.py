"""When is an agent better dead? When it can do nothing for its call any more, and another could.

An agent whose event loop has stood still for as long as a lease lasts has lost its call, and ends
its own process: its worker, if there still is one, has the call taken over at once, and a process
that was frozen and wakes up ends before it makes a sound. So does an agent that has no memory left.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

import structlog
from livekit import rtc

log = structlog.get_logger(__name__)

_BEAT_SECONDS = 0.25
_STATUS = 70
"""With which the process exits: EX_SOFTWARE."""

_NO_MEMORY = "out of memory"


def die(why: str) -> NoReturn:
    """End this process here and now; nothing that would take time or memory is done before."""
    with contextlib.suppress(BaseException):
        log.critical("agent_gave_up", why=why)
    os._exit(_STATUS)


def die_without_memory() -> None:
    """From now on end this process when memory runs out where nobody would catch that."""
    sys.unraisablehook = _dying(sys.unraisablehook)
    threading.excepthook = _dying(threading.excepthook)


def on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handle an error that nobody has caught in an event loop."""
    if isinstance(context.get("exception"), MemoryError):
        die(_NO_MEMORY)
    loop.default_exception_handler(context)


def _dying(hook: Callable[[Any], object]) -> Callable[[Any], object]:
    def handle(error: Any) -> None:
        if error.exc_type is MemoryError:
            die(_NO_MEMORY)
        hook(error)

    return handle


async def watch_media(room: rtc.Room, every: float, longest: float) -> None:
    """Ask the media library for a sign of life again and again, until cancelled.

    One that cannot call back leaves an agent that hears and says nothing, and keeps its lease.
    """
    while True:
        await asyncio.sleep(every)
        if not room.isconnected():
            continue
        try:
            await asyncio.wait_for(room.get_rtc_stats(), longest)
        except TimeoutError:
            die("the media library does not answer")
        except RuntimeError as error:
            log.debug("no_media_stats", error=str(error))


class Pulse:
    """The event loop of one call, watched by itself and by a thread beside it."""

    def __init__(self, longest: float, die: Callable[[str], object] = die) -> None:
        self._longest = longest
        self._die = die
        self._last = _now()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pulse", daemon=True)

    async def beat(self) -> None:
        """Beat until cancelled."""
        self._thread.start()
        try:
            while True:
                self._check()
                self._last = _now()
                await asyncio.sleep(_BEAT_SECONDS)
        finally:
            self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(_BEAT_SECONDS):
            self._check()

    def _check(self) -> None:
        stood_still = _now() - self._last
        if stood_still > self._longest:
            self._over.set()
            self._die(f"the event loop stood still for {stood_still:.1f} s")


def _now() -> float:
    """Return a time that goes on while a process, or the whole machine, sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
