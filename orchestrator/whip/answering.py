"""How does an offer become an answer?

Only a session that this very offer has started ends with it when there is none, and not if another
offer waits for it; one that is joined anew goes on, and waits for its caller as for everybody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from orchestrator.ending import end_session
from orchestrator.reading.waiting import wait_until_ready
from orchestrator.services import Services
from orchestrator.whip.calls import Call
from orchestrator.whip.errors import (
    AgentLateError,
    AgentsBusyError,
    CallerGoneError,
    InvalidOfferError,
    MediaServerAwayError,
    MediaServerRefusedError,
)
from orchestrator.whip.joining import is_joined, joining
from orchestrator.whip.media_server import Connected
from orchestrator.whip.offers import Offer
from orchestrator.whip.turns import in_turn
from sessions.errors import SessionOverError
from sessions.models import Session
from sessions.states import Reason, State

_AGAIN_SECONDS = 0.25

log = structlog.get_logger(__name__)


def answer(
    house: Services, call: Call, offer: Offer, has_hung_up: Callable[[], bool]
) -> tuple[Session, Connected]:
    """Return the session with its agent there, and livekit-server's answer to the offer.

    Raises:
        CallerGoneError: the caller has hung up meanwhile.
        AgentsBusyError: no agent was free within the limit.
        AgentLateError: the agent was not ready within it.
        SessionFailedError, SessionOverError: the session has ended instead.
        InvalidOfferError, MediaServerAwayError, MediaServerRefusedError: see ``MediaServer``.
    """
    deadline = time.monotonic() + house.settings.whip_timeout_seconds
    with _ending_what_fails(house, call):
        session = _with_agent(house, call.session, deadline, has_hung_up, early=True)
        with in_turn(house, session.id):
            try:
                connected = house.media_server.connect(session, offer)
            except (MediaServerAwayError, MediaServerRefusedError):
                if not _is_left(house, session):
                    raise
                # The agent whose voice the answer was to carry is gone, and another one comes.
                session = _with_agent(house, session, deadline, has_hung_up)
                connected = house.media_server.connect(session, offer)
            refusal = house.store.connect(session.id, connected.resource, connected.tag)
        if refusal is not None:
            raise SessionOverError(f"The session {session.id} has ended.")
        if has_hung_up():
            raise CallerGoneError("The caller has hung up.")
    return session, connected


def _with_agent(
    house: Services,
    session: Session,
    deadline: float,
    has_hung_up: Callable[[], bool],
    *,
    early: bool = False,
) -> Session:
    """Return the session when its agent has published its voice, or ``early`` is about to."""
    while True:
        session = wait_until_ready(
            *(house, session, deadline - time.monotonic()),
            given_up=has_hung_up,
            early=_is_about_to_be_ready if early else None,
        )
        if has_hung_up():
            raise CallerGoneError("The caller has hung up.")
        if session.state is State.READY or (early and _is_about_to_be_ready(session)):
            return session
        if time.monotonic() >= deadline:
            raise _too_late(house, session)
        # The store is away for a moment, and the agent comes all the same.
        time.sleep(_AGAIN_SECONDS)


def _too_late(house: Services, session: Session) -> Exception:
    limit = house.settings.whip_timeout_seconds
    if session.state is State.QUEUED:
        return AgentsBusyError(f"No agent was free within {limit:g} s.", retry_after=5)
    return AgentLateError(f"The agent was not ready within {limit:g} s.")


def _is_about_to_be_ready(session: Session) -> bool:
    """Tell whether the first agent is in the room: livekit-server waits for its voice.

    A later agent sends callers by WHIP away before it is ready.
    """
    first = session.state is State.STARTING and session.generation == 1
    return first and "joined" in session.timeline


def _is_left(house: Services, session: Session) -> bool:
    """Tell whether the agent of ``session`` is no longer the one that was there."""
    found = house.directory.load(session.id)
    return found is not None and (found.state, found.generation) != (
        State.READY,
        session.generation,
    )


@contextmanager
def _ending_what_fails(house: Services, call: Call) -> Iterator[None]:
    if not call.new:
        with joining(house, call.session.id):
            yield
        return
    try:
        yield
    except BaseException as error:  # A worker that is told to go leaves nothing behind either.
        if is_joined(house, call.session.id):
            log.info("whip_call_left_to_another_offer", error=type(error).__name__)
        else:
            reason = _cause(error)
            log.info("whip_call_given_up", reason=reason, error=type(error).__name__)
            detail = f"{type(error).__name__} while its WHIP offer was answered"
            end_session(house, call.session, reason, detail=detail)
        raise


def _cause(error: BaseException) -> Reason:
    match error:
        case CallerGoneError():
            return Reason.USER_LEFT
        case AgentsBusyError():
            return Reason.QUEUE_TIMEOUT
        case InvalidOfferError():
            return Reason.ENDED_BY_API
        case _:
            return Reason.AGENT_ERROR
