"""Who is in a session's room, and how long does the room outlive them?

A room is made by whoever joins it first. The tokens of both carry the same configuration: timeouts,
and as the room's metadata the name of the house, so that no other house takes the room down.
"""

from __future__ import annotations

from dataclasses import dataclass

from sessions.settings import Settings

AGENT_IDENTITY = "agent"
"""Fixed, so that the media server evicts a second agent of the same session."""

CALLER_IDENTITY = "caller"

AGENT_TRACK = "agent_voice"

VIA = "switchboard.via"
"""The attribute of a caller that says how they have come, where that matters: ``WHIP``."""

WHIP = "whip"
"""Such a caller's connection is negotiated once: of an agent that comes later they hear nothing."""

HEARS_NOTHING = "switchboard.hears-nothing"
"""The attribute of a caller who sends only: nobody need wait until they can hear."""


@dataclass(frozen=True, slots=True)
class RoomTimeouts:
    """When livekit-server closes a room by itself, in seconds; a net under our own timeouts."""

    empty: int
    departure: int

    @classmethod
    def of(cls, settings: Settings) -> RoomTimeouts:
        """Return timeouts longer than those that the agent keeps itself."""
        slack = 30
        waiting = settings.queue_timeout_seconds + settings.start_timeout_seconds
        return cls(
            empty=round(waiting + settings.join_timeout_seconds) + slack,
            departure=round(settings.rejoin_grace_seconds) + slack,
        )
