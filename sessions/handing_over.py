"""How does a call pass from one agent to the next in good order, while both are there?

The worker that wants to be rid of a call *invites* another agent. Somebody with a free process
*stands by*. The agent that has the call is told, waits for a good moment, *bequeaths* what it has
not said, and asks for its own recovery; whoever stands by then claims the session at once. Until
then nothing has changed: if either of the two dies, the other goes on.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from typing import cast

from redis import Redis

from sessions.connections import waiting
from sessions.control import Reply, entries_of
from sessions.keys import SessionKeys
from sessions.outcomes import Refusal, refusal_in
from sessions.scripts import Scripts
from sessions.settings import Settings

HANDOVER = "handover"
"""The cause of a recovery that is none: the agent before has left in good order."""

_HOLD_MS = 2000
_LONGEST_WAIT_SECONDS = 0.5


class Handover:
    """The verbs of a handover against one Redis."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._scripts = Scripts(redis, settings)
        # A read that blocks must end before the client takes it for lost.
        self._wait_ms = round(1000 * min(_LONGEST_WAIT_SECONDS, settings.redis_timeout_seconds / 2))

    def invite(self, session_id: str, generation: int) -> bool | Refusal:
        """Let another agent stand by for the one of ``generation``; tell whether one does."""
        reply = self._scripts.run("invite", session_id, {"generation": generation})
        return refusal_in(reply) or bool(reply[1])

    def stand_by(self, session_id: str, generation: int, who: str) -> Refusal | None:
        """Say that ``who`` waits to be the agent of ``generation``; good for two seconds."""
        args = {"generation": generation, "who": who, "hold": _HOLD_MS}
        return refusal_in(self._scripts.run("stand_by", session_id, args))

    def bequeath(self, session_id: str, generation: int, unsaid: str) -> Refusal | None:
        """Leave what the agent of ``generation`` has not said to whoever stands by."""
        args = {"generation": generation, "unsaid": unsaid}
        return refusal_in(self._scripts.run("bequeath", session_id, args))

    def wait_for_event(self, session_id: str, since: str) -> str:
        """Wait a moment for something to happen in a session; return the newest event's id."""
        stream = SessionKeys.of(session_id).events
        with waiting():
            reply = cast("Reply", self._redis.xread({stream: since}, block=self._wait_ms))
        entries = entries_of(reply)
        return entries[-1][0] if entries else since
