"""What does the trace of a session tell of the agents that it has had?"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from sessions.outcomes import Claim
from sessions.tracing import record_span, span


@contextmanager
def traced(claim: Claim) -> Generator[None]:
    """Time one generation of a session, and what it has waited for its agent."""
    session = claim.session
    about = {"session_id": session.id, "generation": session.generation}
    taken_over = session.generation > 1
    began = session.recovering_since if taken_over else session.accepted
    waited = "takeover" if taken_over else "queue"
    record_span(waited, began, claim.at, session.traceparent, **about, cause=session.cause)
    with span("call", session.traceparent, **about):
        yield
