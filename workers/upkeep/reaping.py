"""Which sessions need somebody to act, and what happens to each?

All that is due is taken and judged first. Then those come first who have lost their agent, and last
those whose end must be written to the database, which may be slow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError

from sessions.connections import REDIS_AWAY
from sessions.logs import about
from sessions.models import Session
from sessions.outcomes import Refusal
from sessions.states import Channel, Reason, State
from workers.app import nudge
from workers.context import Context
from workers.upkeep.batching import batches
from workers.upkeep.finishing import finish
from workers.upkeep.verdict import Verdict, judge

log = structlog.get_logger(__name__)

_BATCH = 200
_MOST_BATCHES = 50


@dataclass(frozen=True, slots=True)
class Due:
    """A session whose deadline has passed, and what is to be done with it."""

    session: Session
    verdict: Verdict | Reason


def reap(context: Context) -> int:
    """Settle every session whose deadline has passed; return how many were looked at.

    One that cannot be settled is logged and comes back; it does not keep the others waiting.
    """
    cut_off = context.pulse.beat()
    found, seen = take_due(context)
    lost = [due for due in found if due.verdict in {Verdict.RECOVER, Verdict.REPLACE}]
    if cut_off:
        # Their agents may live, and could not say so: whoever cannot now either comes back.
        lost = [due for due in lost if due.verdict is Verdict.REPLACE]
    _each(lost, lambda due: _recover(context, due))
    end_all(context, found)
    _nudge_waiting(context, [due for due in found if due.verdict is Verdict.NUDGE])
    ended = [due for due in found if due.verdict is Verdict.FINISH]
    _each(ended, lambda due: finish(context, due.session))
    return seen


def take_due(context: Context) -> tuple[list[Due], int]:
    """Take every session whose deadline has passed, and judge it; return also how many there were.

    Those of which nothing is left but the deadline are forgotten.
    """
    found: list[Due] = []
    seen = 0
    for _ in range(_MOST_BATCHES):
        ids = context.store.due(_BATCH)
        sessions = context.directory.load_many(ids)
        for session_id, session in zip(ids, sessions, strict=True):
            if session is None:
                context.directory.forget(session_id)
        found += _judged(context, [session for session in sessions if session])
        seen += len(ids)
        if len(ids) < _BATCH:
            break
    return found, seen


def end_all(context: Context, found: Sequence[Due]) -> None:
    """End those whose time is over, many in each round trip and each in a step of its own."""
    ends = [(due.session, due.verdict) for due in found if isinstance(due.verdict, Reason)]
    if not ends:
        return
    taking_calls = bool(context.fleet.taking_calls())
    for batch in batches(iter(ends)):
        asked = [(one, _why(reason, taking_calls=taking_calls)) for one, reason in batch]
        replies = context.store.begin_ending_many(asked)
        for (session, reason), reply in zip(asked, replies, strict=True):
            with about(session):
                if isinstance(reply, RedisError):
                    log.error("session_not_settled", error=str(reply))
                    continue
                log.info("session_reaped", reason=reason, refused=reply)


def _judged(context: Context, sessions: list[Session]) -> list[Due]:
    owned = [one for one in sessions if _may_be_leased(one)]
    answers = zip(owned, context.directory.leased(one.id for one in owned), strict=True)
    leased = {session.id for session, is_leased in answers if is_leased}
    now = context.store.now()
    return [
        Due(one, judge(one, leased=one.id in leased, now=now, settings=context.settings))
        for one in sessions
    ]


def _may_be_leased(session: Session) -> bool:
    return session.channel is Channel.VOICE and session.state is not State.QUEUED


def _each(found: Sequence[Due], act: Callable[[Due], None]) -> None:
    for due in found:
        with about(due.session):
            try:
                act(due)
            except REDIS_AWAY:
                raise
            except Exception:
                log.exception("session_not_settled")


def _why(reason: Reason, *, taking_calls: bool) -> Reason:
    nobody = reason is Reason.QUEUE_TIMEOUT and not taking_calls
    return Reason.NO_CAPACITY if nobody else reason


def _nudge_waiting(context: Context, waiting: Sequence[Due]) -> None:
    free = sum(worker.free for worker in context.fleet.alive()) if waiting else 0
    for due in waiting[:free]:
        nudge(due.session.id, due.session.generation)


def _recover(context: Context, due: Due) -> None:
    session, unless_leased = due.session, due.verdict is Verdict.RECOVER
    generation = context.store.recover(
        session.id,
        "lease_lost" if unless_leased else "start_timeout",
        generation=session.generation,
        unless_leased=unless_leased,
        seen=session,
    )
    log.warning("session_recovering", state=session.state)
    if not isinstance(generation, Refusal):
        nudge(session.id, generation)
