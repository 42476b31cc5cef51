"""How does an agent give its call to another one, so that the caller does not notice?

Somebody already stands by. The agent waits for a good moment, leaves what it has not said, gives
the session up, and stays in the room, deaf and silent, until the media server sends it away: that
is when the other one joins. If anything is refused on the way, it goes on as if nothing had been.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import structlog
from livekit.agents import AgentSession

from agents.voice.conversation import Conversation
from agents.voice.ending import Ender
from agents.voice.moments import Moments
from agents.voice.narrator import Narrator
from agents.voice.reporter import Reporter
from agents.voice.script import Cut
from sessions.connections import REDIS_AWAY
from sessions.errors import StaleGenerationError
from sessions.handing_over import HANDOVER, Handover
from sessions.outcomes import Claim, Refusal
from sessions.settings import Settings
from sessions.store import SessionStore

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_STEP_SECONDS = 1.0
"""The caller may be waiting for the rest of a sentence, so no step may take longer."""

_AGAIN_SECONDS = 2.0
"""After so long the call is offered again that could not be because Redis was away."""

_STAY_SECONDS = 6.0


class HandingOver:
    """The last act of one agent, if it comes to that."""

    def __init__(self, claim: Claim, store: SessionStore, settings: Settings, ender: Ender) -> None:
        self._session_id = claim.session.id
        self._generation = claim.session.generation
        self._store = store
        self._handover = Handover(store.redis, settings)
        self._ender = ender

    async def follow(
        self,
        session: AgentSession[None],
        conversation: Conversation,
        moments: Moments,
        narrator: Narrator,
        reporter: Reporter,
    ) -> None:
        """Hand the call over when somebody stands by, until cancelled."""
        while True:
            await conversation.hand_over.wait()
            conversation.hand_over.clear()
            cut = await moments.wait()
            if cut is not None:
                narrator.parts(cut)
                await session.interrupt(force=True)
            refused = await self._give_up(cut, reporter)
            if refused is None:
                break
            log.warning("not_handed_over", why=_name(refused))
            if cut is not None:
                session.say(cut.unsaid)
            if not isinstance(refused, Refusal):
                # Whoever stands by does so still, and is not announced a second time.
                await asyncio.sleep(_AGAIN_SECONDS)
                conversation.hand_over.set()
        log.info("handed_over", spoke=cut is not None)
        conversation.be_deaf()
        await asyncio.sleep(_STAY_SECONDS)
        self._ender.fail(StaleGenerationError(f"{self._session_id} was handed over."))

    async def _give_up(self, cut: Cut | None, reporter: Reporter) -> Refusal | Exception | None:
        """Give the session to whoever stands by; return what has kept us from it, if anything."""
        try:
            async with asyncio.timeout(_STEP_SECONDS):
                await reporter.drain()
            left = await self._ask(
                self._handover.bequeath,
                self._session_id,
                self._generation,
                cut.unsaid if cut else "",
            )
            if isinstance(left, Refusal):
                return left
            recovered = await self._ask(
                self._store.recover,
                self._session_id,
                HANDOVER,
                generation=self._generation,
                unless_leased=False,
                counts=False,
            )
        except (TimeoutError, *REDIS_AWAY) as error:
            return error
        return recovered if isinstance(recovered, Refusal) else None

    @staticmethod
    async def _ask(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with asyncio.timeout(_STEP_SECONDS):
            return await asyncio.to_thread(call, *args, **kwargs)


def _name(refused: Refusal | Exception) -> str:
    return refused.why if isinstance(refused, Refusal) else type(refused).__name__
