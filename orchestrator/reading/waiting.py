"""How is an answer held until the agent is ready?

The event log's channel wakes the waiting request; what it then reads is the session itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from redis.exceptions import RedisError

from orchestrator.services import Services
from sessions.errors import SwitchboardError
from sessions.keys import SessionKeys
from sessions.models import Session
from sessions.states import State

_STARTING = (State.QUEUED, State.STARTING, State.RECOVERING)
_OVER = (State.ENDING, State.ENDED)
_LOOKED_AT = 10
"""The end is the last event of a log."""
_LOOK_SECONDS = 1.0
"""How often is looked whether anybody waits for the answer still, where that can be seen."""


class SessionFailedError(SwitchboardError):
    """The session ended while a request waited for it to be ready."""

    code = "session_failed"

    def __init__(self, session_id: str, reason: str | None, fault: str | None) -> None:
        super().__init__(f"The session ended before its agent was ready: {reason or 'unknown'}.")
        self.session_id = session_id
        self.reason = reason
        self.fault = fault


def wait_until_ready(
    house: Services,
    session: Session,
    seconds: float,
    *,
    given_up: Callable[[], bool] | None = None,
    early: Callable[[Session], bool] | None = None,
) -> Session:
    """Return the session as soon as it is ready, or as it is after ``seconds``.

    A store that goes away meanwhile ends the waiting, not the session. So does a caller who has
    ``given_up``. A session for which ``early`` holds need not be ready.

    Raises:
        SessionFailedError: the session has ended instead.
    """
    deadline = time.monotonic() + seconds
    try:
        with house.blocking_redis.pubsub(ignore_subscribe_messages=True) as wake_ups:
            wake_ups.subscribe(SessionKeys.of(session.id).events)
            while True:
                session = _reload(house, session)
                left = deadline - time.monotonic()
                if session.state not in _STARTING or (early and early(session)):
                    return session
                if left <= 0 or (given_up and given_up()):
                    return session
                wake_ups.get_message(timeout=min(left, _LOOK_SECONDS) if given_up else left)
    except RedisError:
        return session


def _reload(house: Services, session: Session) -> Session:
    found = house.directory.load(session.id)
    if found is None:
        raise _failure_in_log(house, session.id)
    if found.state in _OVER:
        raise SessionFailedError(found.id, found.reason, found.fault)
    return found


def _failure_in_log(house: Services, session_id: str) -> SessionFailedError:
    for event in house.events.newest(session_id, _LOOKED_AT):
        if event.type == "session_ended":
            return SessionFailedError(session_id, event.data["reason"], event.data["fault"])
    return SessionFailedError(session_id, None, None)
