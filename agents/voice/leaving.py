"""How does an agent take its leave, so that nothing of the call is left?

Every step has a share of ``ending_grace_seconds``: whoever takes longer is removed by the house.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable

import structlog
from livekit import rtc
from livekit.agents import AgentSession

from agents.voice.ending import Ending
from agents.voice.output import EarlyAudioOutput
from agents.voice.patience import until_redis_answers
from agents.voice.reporter import Reporter
from agents.voice.rooms import delete_room
from sessions.metering import current_meter
from sessions.outcomes import Claim, Refusal
from sessions.settings import Settings
from sessions.store import SessionStore

log = structlog.get_logger(__name__)

_STEPS = 6


class Leaving:
    """The end of one call, step by step; no step that fails keeps the next from happening."""

    def __init__(self, claim: Claim, store: SessionStore, settings: Settings) -> None:
        self._claim = claim
        self._session = claim.session
        self._store = store
        self._settings = settings
        self._step_seconds = settings.ending_grace_seconds / _STEPS

    async def announce(self, ending: Ending) -> bool:
        """Tell the house that the session ends; tell whether it is still ours to end."""
        if ending.reason is None:
            return True
        refused = await until_redis_answers(
            self._store.begin_ending,
            self._session.id,
            ending.reason,
            fault=ending.fault,
            detail=ending.detail,
            generation=self._session.generation,
        )
        return refused is None or refused.why == "state"

    async def hush(self, session: AgentSession[None]) -> None:
        """Stop the agent in the middle of its sentence."""
        with contextlib.suppress(RuntimeError):  # it never got as far as talking.
            session.interrupt(force=True)
        await self._try("agent session closed", session.aclose())

    async def fall_silent(self, room: rtc.Room) -> None:
        """Leave the room before anything else: the call is another agent's, who may be talking."""
        await self._try("room left", room.disconnect())

    async def tell_the_rest(self, reporter: Reporter) -> None:
        """Write what has been told and not yet written."""
        await self._try("events written", reporter.drain())

    async def leave_room(self, room: rtc.Room, output: EarlyAudioOutput) -> None:
        """Take the agent out of its room."""
        await self._try("usage written", self._account())
        await self._try("output closed", output.aclose())
        await self._try("room left", room.disconnect())

    async def take_room_down(self) -> None:
        """Send away whoever is still in the room."""
        await self._try("room deleted", delete_room(self._settings, self._session.id))

    async def hand_over(self) -> int | None:
        """Ask for another agent, which tries to join again; return its generation."""
        recovered = await until_redis_answers(
            self._store.recover,
            self._session.id,
            "livekit_lost",
            generation=self._session.generation,
            unless_leased=False,
        )
        return None if isinstance(recovered, Refusal) else recovered

    async def release(self) -> None:
        """Give the session up, so that it can be archived."""
        await until_redis_answers(self._store.release, self._session.id, self._claim.owner)

    async def _account(self) -> None:
        session, used = self._session, current_meter().usage
        await until_redis_answers(self._store.account, session.id, session.generation, used)

    async def _try(self, step: str, work: Awaitable[object]) -> None:
        try:
            await asyncio.wait_for(work, self._step_seconds)
        except Exception:
            log.warning("step_of_leaving_failed", step=step, exc_info=True)
