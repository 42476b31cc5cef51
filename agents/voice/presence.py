"""Is the caller there, and is anybody still talking? Ends the call where it has no purpose left."""

from __future__ import annotations

import asyncio

from livekit import rtc
from livekit.agents import AgentSession

from agents.voice.ending import Ender
from agents.voice.reporter import Reporter
from sessions.rooms import CALLER_IDENTITY
from sessions.settings import Settings
from sessions.states import Reason

_CONNECTING_SECONDS = 10.0


class Presence:
    """Watches one room for its caller, and one session for signs of life."""

    def __init__(
        self, room: rtc.Room, settings: Settings, reporter: Reporter, ender: Ender
    ) -> None:
        self.arrived = asyncio.Event()
        self._room = room
        self._settings = settings
        self._reporter = reporter
        self._ender = ender
        self._timer: asyncio.TimerHandle | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._was_here = False
        # Between joining and being ready there may be a Redis that is away, and a caller who goes.
        room.on("participant_disconnected", self._note_leaving)

    def watch_room(self, *, been_here: bool, sent_away: bool = False) -> None:
        """Start waiting for the caller; ``been_here`` if an earlier agent has met them.

        Whoever did not leave but was ``sent_away`` gets the time that it takes to connect anew.
        """
        self._room.on("participant_connected", self._on_connected)
        self._room.on("participant_disconnected", self._on_disconnected)
        if CALLER_IDENTITY in self._room.remote_participants:
            self._on_connected(self._room.remote_participants[CALLER_IDENTITY])
        elif been_here or self._was_here:
            least = _CONNECTING_SECONDS if sent_away else 0.0
            self._end_after(max(self._settings.rejoin_grace_seconds, least), Reason.USER_LEFT)
        else:
            self._end_after(self._settings.join_timeout_seconds, Reason.JOIN_TIMEOUT)

    def watch_session(self, session: AgentSession) -> None:
        """Count time in which neither side speaks as idle."""

        def on_change(_event: object) -> None:
            self._restart_idle(speaking="speaking" in (session.user_state, session.agent_state))

        session.on("user_state_changed", on_change)
        session.on("agent_state_changed", on_change)
        self._restart_idle()

    def stop(self) -> None:
        """Stop watching."""
        for timer in (self._timer, self._idle):
            if timer is not None:
                timer.cancel()

    def _note_leaving(self, participant: rtc.RemoteParticipant) -> None:
        self._was_here = self._was_here or participant.identity == CALLER_IDENTITY

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity != CALLER_IDENTITY:
            return
        self._cancel_timer()
        self.arrived.set()
        self._reporter.tell("caller", {"present": True}, stamps=["userJoined"])

    def _on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity != CALLER_IDENTITY:
            return
        self._reporter.tell("caller", {"present": False})
        self._end_after(self._settings.rejoin_grace_seconds, Reason.USER_LEFT)

    def _restart_idle(self, *, speaking: bool = False) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = None
        if not speaking:
            self._idle = asyncio.get_running_loop().call_later(
                self._settings.idle_timeout_seconds, self._ender.end, Reason.IDLE_TIMEOUT
            )

    def _end_after(self, seconds: float, reason: Reason) -> None:
        self._cancel_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._ender.end, reason)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
