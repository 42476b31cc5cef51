"""How does one call of a run go, from the caller's side?"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from livekit import rtc

from sessions.agents import ASSISTANT
from tests.chaos.ears import Ears
from tests.chaos.house import ChaosHouse
from tests.chaos.parts import TICKER
from tests.chaos.plan import CallPlan, Leave
from tests.chaos.tones import TONE_VOICE
from tests.chaos.witness import Witness
from tests.support.microphone import Microphone
from tests.support.processes import ROOT
from tests.support.speech import Samples

FULL_VOICE = "Craig"
QUESTION = "When are you open on Sundays?"

_START_SECONDS = 60.0
_JOIN_SECONDS = 45.0
_HEAR_SECONDS = 120.0
_ANSWER_SECONDS = 12.0
_QUESTIONS = 5
_ECHO_SECONDS = 0.5
"""What is heard so soon was on its way already."""
_TIMEOUT = aiohttp.ClientTimeout(total=8)
_STAYS_AWAY = (
    rtc.DisconnectReason.ROOM_DELETED,
    rtc.DisconnectReason.PARTICIPANT_REMOVED,
    rtc.DisconnectReason.CLIENT_INITIATED,
)


class CallLostError(Exception):
    """The caller did not get what callers are promised; the text says what."""


@dataclass
class Call:
    """One caller and their session."""

    plan: CallPlan
    house: ChaosHouse
    http: aiohttp.ClientSession
    question: Samples | None = None
    session_id: str = ""
    ears: Ears = field(default_factory=Ears)
    witness: Witness | None = None
    talking: bool = False
    left_at: float | None = None
    cut_at: float | None = None
    lost_agent_at: float = 0.0
    """When something took this caller's agent away: another track must bring one back."""
    troubled_at: float = 0.0
    """When something went wrong through which this caller must go on hearing an agent."""
    lost: str | None = None
    _following: asyncio.Task[None] | None = None
    _room: rtc.Room = field(default_factory=rtc.Room)
    _microphone: Microphone | None = None
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])

    @property
    def ended(self) -> bool:
        """Tell whether the session is over, as far as its witness has seen."""
        return self.witness is not None and self.witness.ended.is_set()

    async def run(self) -> None:
        """Call, listen or ask, and leave. What goes wrong stands in ``lost``."""
        try:
            started = await self._start()
            self.session_id = started["sessionId"]
            self.witness = Witness(self.session_id, self.house.fronts)
            self._following = asyncio.create_task(self.witness.follow(self.http, self.plan.number))
            if self.plan.leave is Leave.CUT:
                await self._be_cut_off(started)
            else:
                await self._call(started)
        except CallLostError as error:
            self.lost = str(error)
        finally:
            self.talking = False

    async def over(self, within: float) -> bool:
        """Wait until the witness has seen the end; tell whether it has."""
        if self._following is None:
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._following), within)
        self._following.cancel()
        return self.ended

    async def _start(self) -> dict[str, Any]:
        body = {
            "userName": f"caller-{self.plan.number}",
            "agent": ASSISTANT if self.plan.full else TICKER,
            "voiceId": FULL_VOICE if self.plan.full else TONE_VOICE,
            "openingLine": " ".join(["hello"] * self.plan.words) + ".",
            "correlationToken": f"{self.house.run}-{self.plan.number}",
        }
        return await self._post("session/start", body, _START_SECONDS)

    async def _post(self, path: str, body: dict[str, Any], within: float) -> dict[str, Any]:
        """Post until it is answered; a start is the same start again, an end the same end."""
        deadline, last = time.monotonic() + within, "nothing"
        for number in itertools.count(self.plan.number):
            front = self.house.fronts[number % 2]
            try:
                async with self.http.post(
                    f"{front}/orchestrator/{path}", json=body, timeout=_TIMEOUT
                ) as answer:
                    if answer.status < 300:
                        return await answer.json()
                    last = f"{answer.status} {await answer.text()}"
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                last = repr(error)
            if time.monotonic() > deadline:
                raise CallLostError(f"{path} was not answered: {last}")
            await asyncio.sleep(0.3)
        raise AssertionError

    async def _call(self, started: dict[str, Any]) -> None:
        await self._join(started)
        self.talking = True
        try:
            await self._until(lambda: bool(self.ears.heard_after(0)), "the agent was never heard")
            if self.plan.full:
                await self._ask()
            await self._stay(self.plan.seconds)
            # Who was hit stays until another agent is heard, or the table would say nothing.
            await self._until(self._is_well, "no agent was heard any more")
            self.left_at = time.time()
            if self.plan.leave is Leave.BY_API:
                await self._post("session/end", {"sessionId": self.session_id}, _START_SECONDS)
        finally:
            self.talking = False
            self.left_at = self.left_at or time.time()
            await self._hang_up()

    async def _join(self, started: dict[str, Any]) -> None:
        deadline = time.monotonic() + _JOIN_SECONDS
        while True:
            self._room = room = rtc.Room()
            self.ears.attach(room)
            try:
                await room.connect(started["serverUrl"], started["token"])
                break
            except rtc.ConnectError as error:
                if self.ended or time.monotonic() > deadline:
                    raise CallLostError(f"the room could not be joined: {error}") from None
                await asyncio.sleep(0.3)
        room.on("disconnected", lambda reason: self._on_disconnected(started, reason))
        if self.plan.full and self._microphone is None:
            self._microphone = Microphone()
            self._spawn(self._microphone.run())
        if self._microphone is not None:
            await self._microphone.publish(self._room)

    def _on_disconnected(self, started: dict[str, Any], reason: int) -> None:
        """Come back as a client does whose media server has gone away."""
        if self.talking and not self.ended and reason not in _STAYS_AWAY:
            self._spawn(self._come_back(started))

    async def _come_back(self, started: dict[str, Any]) -> None:
        with contextlib.suppress(CallLostError):  # whoever waits for the agent will say so.
            await self._join(started)

    async def _ask(self) -> None:
        """Ask aloud until it is answered: who was not heard asks again."""
        assert self._microphone is not None
        assert self.question is not None
        assert self.witness is not None
        for _ in range(_QUESTIONS):
            await self._until(self._is_well, "no agent was heard any more")
            before = len(self.witness.of_type("agent_response"))
            await self._microphone.say(self.question)
            deadline = time.monotonic() + _ANSWER_SECONDS
            while time.monotonic() < deadline and not self.ended:
                if len(self.witness.of_type("agent_response")) > before:
                    return
                await asyncio.sleep(0.1)
            if self.ended:
                break
        raise CallLostError("a question asked aloud was never answered")

    def _is_well(self) -> bool:
        """Tell whether an agent was heard after all that went wrong; full calls ask instead."""
        if self.lost_agent_at and self.ears.heard_after(self.lost_agent_at) is None:
            return False
        return self.plan.full or self.ears.last_loud > self.troubled_at + _ECHO_SECONDS

    async def _stay(self, seconds: float) -> None:
        assert self.witness is not None
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.witness.ended.wait(), seconds)

    async def _until(self, check: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + _HEAR_SECONDS
        while not check():
            if self.ended:
                raise CallLostError(f"{otherwise} before the session ended")
            if time.monotonic() > deadline:
                raise CallLostError(f"{otherwise} within {_HEAR_SECONDS:.0f} s")
            await asyncio.sleep(0.05)

    async def _be_cut_off(self, started: dict[str, Any]) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chaos.doomed", started["serverUrl"],
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, cwd=ROOT,
        )  # fmt: skip
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{started['token']}\n".encode())
            await process.stdin.drain()
            await process.stdout.readline()
            await self._stay(self.plan.seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            self.left_at = self.cut_at = time.time()

    async def _hang_up(self) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._room.disconnect(), 5)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.ears.close()
        if self._microphone is not None:
            await self._microphone.close()

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
