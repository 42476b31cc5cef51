"""The upkeep jobs as Celery tasks.

Beat sends the first three, a report of LiveKit's the next, an agent that leaves the last.
"""

from __future__ import annotations

from sessions import keys
from workers.app import FINISH_SESSION, LOOK_AT_SESSIONS, app
from workers.context import get_context
from workers.upkeep import finishing, queueing, reaping, reconciling, resending, sweeping
from workers.upkeep.verdict import Verdict, judge


@app.task
def reap() -> None:
    """Settle sessions whose deadline has passed, and look after the queue and open questions."""
    context = get_context()
    reaping.reap(context)
    queueing.look_after_queue(context)
    resending.resend(context)
    context.redis.set(keys.REAPED, context.store.now(), px=keys.INDEX_TTL_MS)


@app.task
def reconcile() -> None:
    """Compare Redis, the workers and LiveKit, and mend what differs."""
    reconciling.reconcile(get_context())


@app.task
def sweep() -> None:
    """Remove what nothing else would remove."""
    sweeping.sweep(get_context())


@app.task(name=LOOK_AT_SESSIONS)
def look_at_sessions() -> None:
    """Look now at the sessions of which LiveKit has reported something."""
    reconciling.look_at_reported(get_context())


@app.task(name=FINISH_SESSION)
def finish_session(session_id: str) -> None:
    """Archive and remove a session that is ending and that its agent has left."""
    context = get_context()
    session = context.directory.load(session_id)
    if session is None:
        return
    leased = context.directory.leased([session_id])[0]
    now = context.store.now()
    if judge(session, leased=leased, now=now, settings=context.settings) is Verdict.FINISH:
        finishing.finish(context, session)
