"""How does a request learn that the agent has done what it was told?

The agent says so in the event log, whose channel wakes the waiting request.
"""

from __future__ import annotations

import time

from orchestrator.services import Services
from sessions.errors import AgentSilentError, SessionOverError
from sessions.events import Event
from sessions.keys import SessionKeys
from sessions.outcomes import Refusal
from sessions.states import State

CONFIRM_SECONDS = 3.0
_OVER = (State.ENDING, State.ENDED)


def tell_to_listen(house: Services, session_id: str, *, on: bool) -> None:
    """Open or close the ears of a session's agent; return when it has confirmed.

    Where there is no agent, there is nothing to wait for: the next one reads the wish.

    Raises:
        SessionOverError: the session has ended, before or meanwhile.
        AgentSilentError: the agent did not confirm in time.
    """
    with house.blocking_redis.pubsub() as wake_ups:
        wake_ups.subscribe(SessionKeys.of(session_id).events)
        # Subscribed only when it says so; what happens from then on is heard.
        wake_ups.get_message(timeout=CONFIRM_SECONDS)
        wish = house.store.listen(session_id, on=on)
        if isinstance(wish, Refusal):
            raise _over(session_id)
        if wish.state is not State.READY:
            return
        after = wish.after
        deadline = time.monotonic() + CONFIRM_SECONDS
        while True:
            for event in house.events.read(session_id, after):
                if _settles(event, on=on):
                    return
                after = event.id
            left = deadline - time.monotonic()
            if left <= 0:
                raise AgentSilentError(
                    "The agent has not confirmed yet. The wish is kept: this agent or the next "
                    "one follows it."
                )
            wake_ups.get_message(timeout=left)


def _settles(event: Event, *, on: bool) -> bool:
    """Tell whether nothing more is to be waited for after ``event``."""
    if event.type == "session_state" and event.data["state"] in _OVER:
        raise _over(str(event.data["session_id"]))
    recovering = event.type == "session_state" and event.data["state"] == State.RECOVERING
    return recovering or (event.type == "listening" and event.data["listening"] is on)


def _over(session_id: str) -> SessionOverError:
    return SessionOverError(f"The session {session_id} has ended.")
