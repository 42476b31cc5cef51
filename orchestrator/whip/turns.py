"""Whose offer is answered now? Those for one session are, one after the other.

livekit-server has nobody in a room twice: of two at once each would have the other fail half way,
and so the later one takes the place of the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog
from redis.exceptions import LockError, OutOfMemoryError

from orchestrator.services import Services
from sessions.keys import offer_turn

_HELD_SECONDS = 15.0
"""Longer than livekit-server takes to answer, or to be given up."""
_LOOK_SECONDS = 0.02

log = structlog.get_logger(__name__)


@contextmanager
def in_turn(house: Services, session_id: str) -> Iterator[None]:
    """Wait until no other offer for the session is being answered, and keep others from it."""
    turn = house.redis.lock(
        offer_turn(session_id), _HELD_SECONDS, _LOOK_SECONDS, blocking_timeout=_HELD_SECONDS
    )
    try:
        if not turn.acquire():
            log.warning("whip_turn_overdue")
    except OutOfMemoryError:
        log.warning("whip_turn_not_taken")  # A full Redis keeps nobody from the call they have.
    try:
        yield
    finally:
        # Whoever was too slow has lost it already.
        with suppress(LockError):
            turn.release()
