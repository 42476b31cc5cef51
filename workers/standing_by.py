"""A call is still another agent's, who has asked to be replaced: when is it ours?

A process that is sent such a call says that it stands by, and claims the call in the moment in
which it is given up; see ``sessions.handing_over``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from sessions.connections import REDIS_AWAY
from sessions.events import EventLog
from sessions.handing_over import Handover
from sessions.logs import about
from sessions.outcomes import Claim, Refusal
from workers.context import Context

log = structlog.get_logger(__name__)

_NOT_YET = "stale"
_RETRY_PAUSE_SECONDS = 0.5
_SPARE_SECONDS = 30


def claim_or_stand_by(
    context: Context,
    session_id: str,
    generation: int,
    who: str,
    claim: Callable[[], Claim | Refusal],
) -> Claim | Refusal:
    """Claim a session, now or when the agent before gives it up to us."""
    claimed = claim()
    if not _is_early(claimed):
        return claimed
    handover = Handover(context.redis, context.settings)
    last = EventLog(context.redis).last_id(session_id)
    if (refused := handover.stand_by(session_id, generation, who)) is not None:
        # It may have been given up in between.
        return claim() if refused.why == _NOT_YET else refused
    with about(context.directory.load(session_id)):
        log.info("standing_by", generation=generation)
    deadline = time.monotonic() + context.settings.drain_limit_seconds + _SPARE_SECONDS
    while time.monotonic() < deadline:
        try:
            last = handover.wait_for_event(session_id, last)
            claimed = claim()
            if not _is_early(claimed):
                return claimed
            refused = handover.stand_by(session_id, generation, who)
        except REDIS_AWAY as error:
            log.warning("stands_by_without_redis", error=str(error))
            time.sleep(_RETRY_PAUSE_SECONDS)
            continue
        if refused is not None and refused.why != _NOT_YET:
            return refused
        if refused is not None:
            return claim()
    return Refusal(_NOT_YET)


def _is_early(claimed: Claim | Refusal) -> bool:
    return isinstance(claimed, Refusal) and claimed.why == _NOT_YET
