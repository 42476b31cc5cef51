"""How does one call go for the caller, from the answer to its start until the line is closed?"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
from livekit import rtc

from orchestrator.cli.calling.course import Course
from orchestrator.cli.calling.device import Device
from orchestrator.cli.calling.hearing import Ear
from orchestrator.cli.calling.microphone import Microphone
from orchestrator.cli.calling.room import Seat
from orchestrator.cli.calling.sound import Samples
from orchestrator.cli.following import Follower

_STEP_SECONDS = 0.05
_GOODBYE_SECONDS = 5.0


@dataclass(frozen=True)
class Plan:
    """What the caller is to do."""

    expects_opening: bool
    speeches: Sequence[Samples]
    seconds: float | None
    record: bool
    microphone: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a call; ``first_audio_after`` counts from the request that started it."""

    first_audio_after: float | None
    speech_seconds: float
    lasted: float
    recording: Samples
    ended: Mapping[str, Any] | None


class Conversation:
    """One call. ``hang_up`` ends the session over HTTP; ``tell`` is told each event."""

    def __init__(
        self, plan: Plan, hang_up: Callable[[], object], tell: Callable[[dict[str, Any]], None]
    ) -> None:
        self._plan = plan
        self._hang_up = hang_up
        self._tell = tell
        self._ear = Ear(record=plan.record)
        self._course = Course(self._ear, expects_opening=plan.expects_opening)
        self._microphone = Microphone()
        self._stopped = asyncio.Event()
        self._over = asyncio.Event()
        self._said_at = 0.0

    async def hold(self, started: Mapping[str, Any], asked_at: float) -> Outcome:
        """Be the caller of a session asked for at ``asked_at``, on the monotonic clock."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopped.set)
        self._seat = Seat(self._ear, Device() if self._plan.microphone else self._microphone)
        follower = Follower(
            started["websocketUrl"],
            started["token"],
            lambda event: loop.call_soon_threadsafe(self._on_event, event),
        )
        try:
            await self._join(started)
            joined_at = time.monotonic() - self._seat.now
            follower.start()
            await self._talk()
            lasted = self._seat.now
            await self._say_goodbye()
        finally:
            await asyncio.to_thread(follower.stop)
            await self._seat.leave()
        return self._outcome(lasted, joined_at - asked_at)

    async def _join(self, started: Mapping[str, Any]) -> None:
        try:
            await self._seat.take(started["serverUrl"], started["token"])
        except rtc.ConnectError as error:
            raise click.ClickException(
                f"The room at {started['serverUrl']} cannot be joined: {error}. Is livekit-server "
                "running there? SWITCHBOARD_LIVEKIT_PUBLIC_URL says where callers reach it."
            ) from None

    async def _talk(self) -> None:
        speaking = asyncio.create_task(self._speak())
        try:
            while not self._is_time_to_go(speaking):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopped.wait(), _STEP_SECONDS)
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)

    async def _speak(self) -> None:
        """Wait for the opening line to end, then say what there is to say, each after an answer."""
        await self._until(self._course.opening_is_over)
        for speech in self._plan.speeches:
            if self._said_at:
                await self._until(lambda now: self._course.answer_is_over(self._said_at, now))
            await self._microphone.say(speech)
            self._said_at = self._seat.now

    async def _until(self, is_so: Callable[[float], bool]) -> None:
        # What the ear hears is polled: quiet makes no event.
        while not is_so(self._seat.now):  # noqa: ASYNC110
            await asyncio.sleep(_STEP_SECONDS)

    def _is_time_to_go(self, speaking: asyncio.Task[None]) -> bool:
        now = self._seat.now
        if self._stopped.is_set() or self._seat.gone.is_set() or self._course.ended is not None:
            return True
        if self._plan.seconds is not None:
            return now >= self._plan.seconds
        if not speaking.done():
            return self._course.is_hopeless(now)
        if self._plan.microphone:
            return False
        if not self._plan.speeches:
            return True
        return self._course.answer_is_over(self._said_at, now)

    async def _say_goodbye(self) -> None:
        """End the session, and stay on the line for its last events."""
        await asyncio.to_thread(self._hang_up)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), _GOODBYE_SECONDS)

    def _on_event(self, event: dict[str, Any]) -> None:
        self._course.take(event, self._seat.now)
        self._tell(event)
        if self._course.ended is not None:
            self._over.set()

    def _outcome(self, lasted: float, joining: float) -> Outcome:
        first = self._ear.first_at
        return Outcome(
            first_audio_after=None if first is None else joining + first,
            speech_seconds=self._ear.speech_seconds,
            lasted=lasted,
            recording=self._ear.recording(lasted),
            ended=self._course.ended,
        )
