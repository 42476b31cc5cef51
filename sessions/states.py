"""Which states does a session pass through, and why does it end?

``queued -> starting -> ready -> ending -> ended`` and ``starting|ready -> recovering ->
ready|ended``. The steps themselves are checked in ``lua/advance.lua``.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a session stands."""

    QUEUED = "queued"
    STARTING = "starting"
    READY = "ready"
    RECOVERING = "recovering"
    ENDING = "ending"
    ENDED = "ended"


STATE_SCORES = {
    State.QUEUED: 0,
    State.STARTING: 1,
    State.READY: 2,
    State.RECOVERING: 3,
    State.ENDING: 4,
}
"""What each state of a live session is in the index of states; an ended one has no place there."""


class Channel(StrEnum):
    """Whether a session has a room and an agent, or is a conversation in writing only."""

    VOICE = "voice"
    TEXT = "text"


class Fault(StrEnum):
    """On whose side the cause of an end lies."""

    USER = "user"
    CONFIG = "config"
    PROVIDER = "provider"
    PLATFORM = "platform"


class Reason(StrEnum):
    """Why a session ended."""

    USER_LEFT = "user_left"
    ENDED_BY_API = "ended_by_api"
    IDLE_TIMEOUT = "idle_timeout"
    JOIN_TIMEOUT = "join_timeout"
    MAX_DURATION = "max_duration"
    QUEUE_TIMEOUT = "queue_timeout"
    NO_CAPACITY = "no_capacity"
    AGENT_ERROR = "agent_error"
    RECOVERY_FAILED = "recovery_failed"
    PROVIDER_ERROR = "provider_error"
    CONFIG_ERROR = "config_error"

    @property
    def fault(self) -> Fault:
        """Return the fault that goes with this reason."""
        return _FAULTS.get(self, Fault.USER)


_FAULTS = {
    Reason.QUEUE_TIMEOUT: Fault.PLATFORM,
    Reason.NO_CAPACITY: Fault.PLATFORM,
    Reason.AGENT_ERROR: Fault.PLATFORM,
    Reason.RECOVERY_FAILED: Fault.PLATFORM,
    Reason.PROVIDER_ERROR: Fault.PROVIDER,
    Reason.CONFIG_ERROR: Fault.CONFIG,
}
