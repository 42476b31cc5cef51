"""The task that is a session: it starts with the call and returns when the call is over."""

from __future__ import annotations

import os
from typing import Any

import structlog

from sessions.outcomes import Refusal
from sessions.tracing import flush_spans
from workers.app import RUN_SESSION, app, nudge, request_finish
from workers.context import get_context
from workers.owner import owner_of
from workers.standing_by import claim_or_stand_by
from workers.tracing import traced

log = structlog.get_logger(__name__)


@app.task(name=RUN_SESSION, bind=True, Strategy="workers.picking:strategy")
def run_session(self: Any, session_id: str, generation: int) -> None:
    """Be the agent of one generation of a session.

    The message is only a nudge, and the parent has found out whom it is for (``workers.picking``):
    if somebody else was quicker, the claim is refused and nothing changes.
    """
    context = get_context()
    with structlog.contextvars.bound_contextvars(session_id=session_id, generation=generation):
        owner = owner_of(generation)
        claim = claim_or_stand_by(
            context,
            session_id,
            generation,
            owner,
            lambda: context.store.claim(
                session_id,
                generation,
                owner=owner,
                worker=str(self.request.hostname),
                task_id=str(self.request.id),
                pid=os.getpid(),
            ),
        )
        if isinstance(claim, Refusal):
            log.info("claim_refused", why=claim.why)
            return
        from agents.voice.call import run_call
        from agents.voice.warmth import warm

        with (
            structlog.contextvars.bound_contextvars(correlation_id=claim.session.correlation_id),
            traced(claim),
        ):
            log.info("claimed", owner=claim.owner)
            successor = run_call(claim, context.store, context.settings, warm(context.settings))
        if successor is None:
            request_finish(session_id)
        else:
            nudge(session_id, successor)
        flush_spans()
