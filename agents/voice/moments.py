"""When does it disturb nobody that the agent of a call is replaced?

Best while nobody speaks and nobody waits for an answer. If that does not come in time, the pause
between two sentences of the agent will do.
"""

from __future__ import annotations

import asyncio

from livekit.agents import AgentSession, AgentStateChangedEvent, UserStateChangedEvent

from agents.voice.hearing import Hearing
from agents.voice.narrator import Narrator
from agents.voice.script import Cut, Script
from sessions.settings import Settings

_LOOK_SECONDS = 0.05
_AFTER_AGENT_SECONDS = 0.2
_TRANSCRIBED_SECONDS = 0.5
"""What a caller has said may take so long to become text after their turn is over."""

_NEVER_ANSWERED_SECONDS = 4.0
"""What has been heard for so long, and nobody has answered, was not meant for the agent."""

_LONGEST_SECONDS = 30.0
"""After so long a caller who never falls silent is not waited for either."""


class Moments:
    """Follows one session, to find the right moment in it."""

    def __init__(
        self, session: AgentSession[None], narrator: Narrator, script: Script, settings: Settings
    ) -> None:
        self._session = session
        self._narrator = narrator
        self._script = script
        self._patience = settings.handover_patience_seconds
        pause = max(settings.turn_pause_seconds, settings.unfinished_pause_seconds)
        self._after_caller = pause + _TRANSCRIBED_SECONDS
        self._clock = asyncio.get_running_loop().time
        self._caller_spoke = self._agent_spoke = float("-inf")
        session.on("user_state_changed", self._on_caller)
        session.on("agent_state_changed", self._on_agent)

    async def wait(self) -> Cut | None:
        """Return at a good moment: what is cut by it, if the agent is speaking."""
        asked = self._clock()
        while not self._nobody_speaks():
            waited = self._clock() - asked
            if waited >= self._patience and self._only_agent_speaks():
                cut = await self._script.pause()
                if cut is not None and self._only_agent_speaks():
                    return cut
            if waited >= _LONGEST_SECONDS and not self._agent_is_busy():
                return None
            await asyncio.sleep(_LOOK_SECONDS)
        return None

    def _nobody_speaks(self) -> bool:
        if self._session.user_state == "speaking" or self._agent_is_busy():
            return False
        hearing = self._session.stt
        if isinstance(hearing, Hearing) and hearing.is_listening:
            return False
        silent = self._clock() - self._caller_spoke
        if silent < self._after_caller:
            return False
        if self._narrator.hears_caller and silent < _NEVER_ANSWERED_SECONDS:
            return False
        return self._clock() - self._agent_spoke >= _AFTER_AGENT_SECONDS

    def _agent_is_busy(self) -> bool:
        busy = self._session.agent_state in {"speaking", "thinking"}
        return busy or self._session.current_speech is not None

    def _only_agent_speaks(self) -> bool:
        """Tell whether the agent may be stopped: what it is ordered to say is another's turn."""
        talks = self._session.agent_state == "speaking" and self._session.user_state != "speaking"
        return talks and not self._narrator.speaks_on_order

    def _on_caller(self, event: UserStateChangedEvent) -> None:
        if "speaking" in (event.old_state, event.new_state):
            self._caller_spoke = self._clock()

    def _on_agent(self, event: AgentStateChangedEvent) -> None:
        if event.old_state == "speaking":
            self._agent_spoke = self._clock()
