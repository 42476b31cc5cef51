"""What can go wrong with a call by WHIP, beside what can go wrong with a session?"""

from __future__ import annotations

from sessions.errors import RetryableError, SwitchboardError


class InvalidOfferError(SwitchboardError):
    """What was sent is no offer of a call, or no fragment of one."""

    code = "invalid_offer"


class NoConnectionError(SwitchboardError):
    """The session has no connection by WHIP, or not any longer."""

    code = "no_connection"


class AgentLateError(SwitchboardError):
    """No agent was ready within the limit."""

    code = "agent_late"


class AgentsBusyError(RetryableError):
    """The call waited in the queue to the limit, and no agent was free."""

    code = "agents_busy"


class CallerGoneError(SwitchboardError):
    """The caller hung up before there was an answer; nobody reads this."""

    code = "caller_gone"


class MediaServerAwayError(RetryableError):
    """livekit-server cannot be reached, or does not answer."""

    code = "media_server_away"


class MediaServerRefusedError(SwitchboardError):
    """livekit-server answers, and not with what was asked for."""

    code = "media_server_refused"
