"""Which sessions need somebody to act, and what happens to each?"""

from __future__ import annotations

import structlog

from sessions.connections import REDIS_AWAY
from sessions.models import Session
from sessions.outcomes import Refusal
from sessions.states import Reason
from workers.app import nudge
from workers.context import Context
from workers.upkeep.finishing import finish
from workers.upkeep.verdict import Verdict, judge

log = structlog.get_logger(__name__)

_BATCH = 200
_MOST_BATCHES = 50


def reap(context: Context) -> int:
    """Settle every session whose deadline has passed; return how many were looked at.

    One that cannot be settled is logged and comes back; it does not keep the others waiting.
    """
    seen = 0
    for _ in range(_MOST_BATCHES):
        ids = context.store.due(_BATCH)
        sessions = context.directory.load_many(ids)
        leased = context.directory.leased(ids)
        free = sum(worker.free for worker in context.fleet.alive()) if ids else 0
        for session_id, session, is_leased in zip(ids, sessions, leased, strict=True):
            try:
                free -= _settle(context, session_id, session, leased=is_leased, free=free)
            except REDIS_AWAY:
                raise
            except Exception:
                log.exception("session_not_settled", session_id=session_id)
        seen += len(ids)
        if len(ids) < _BATCH:
            break
    return seen


def _settle(
    context: Context, session_id: str, session: Session | None, *, leased: bool, free: int
) -> int:
    """Act on one session; return how many free slots that takes."""
    if session is None:
        context.directory.forget(session_id)
        return 0
    now = context.store.now()
    verdict = judge(session, leased=leased, now=now, settings=context.settings)
    if isinstance(verdict, Reason):
        _end(context, session, verdict)
    elif verdict is Verdict.FINISH:
        finish(context, session)
    elif verdict is Verdict.NUDGE and free > 0:
        nudge(session.id, session.generation)
        return 1
    elif verdict in {Verdict.RECOVER, Verdict.REPLACE}:
        _recover(context, session, unless_leased=verdict is Verdict.RECOVER)
    return 0


def _end(context: Context, session: Session, reason: Reason) -> None:
    if reason is Reason.QUEUE_TIMEOUT and not context.fleet.taking_calls():
        reason = Reason.NO_CAPACITY
    refused = context.store.begin_ending(
        session.id, reason, generation=session.generation, seen=session
    )
    log.info("session_reaped", session_id=session.id, reason=reason, refused=refused)


def _recover(context: Context, session: Session, *, unless_leased: bool) -> None:
    generation = context.store.recover(
        session.id,
        "lease_lost" if unless_leased else "start_timeout",
        generation=session.generation,
        unless_leased=unless_leased,
        seen=session,
    )
    log.warning("session_recovering", session_id=session.id, state=session.state)
    if not isinstance(generation, Refusal):
        nudge(session.id, generation)
