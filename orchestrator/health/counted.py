"""Which of the house's own figures are there, and what does Prometheus call them?

Each row stands for the fields of one name in the hash of figures; see ``sessions/figures.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from sessions.settings import TaskTransport
from sessions.states import Channel, Reason

CHANNELS = tuple(str(channel) for channel in Channel)
CAUSES = (
    *("agent_died", "lease_lost", "start_timeout", "livekit_lost"),
    *("session_without_agent", "lease_without_process", "drain_limit", "handover"),
)
TRANSPORTS = tuple(str(transport) for transport in TaskTransport)
WEBHOOKS = ("session.ready", "session.ended", "session.handoff_requested")


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric with its labels.

    ``known`` are label values told from the beginning, as 0: what only appears with its first case
    has not increased for Prometheus, and that case would be missed.
    """

    metric: str
    help: str
    labels: tuple[str, ...] = ()
    known: Sequence[tuple[str, ...]] = ()


COUNTERS = {
    "starts": Figure(
        "switchboard_starts",
        "Sessions asked for, by what came of it.",
        ("channel", "result"),
        tuple(product(CHANNELS, ("created", "replayed", "no_capacity", "queue_full"))),
    ),
    "recoveries": Figure(
        "switchboard_recoveries",
        "Agents asked for to take a call over, by what had become of the one before.",
        ("cause",),
        tuple((cause,) for cause in CAUSES),
    ),
    "ends": Figure(
        "switchboard_ends",
        "Sessions that have ended, by reason and on whose side it lies.",
        ("channel", "reason", "fault"),
        tuple(
            (channel, reason.value, reason.fault.value)
            for channel, reason in product(CHANNELS, Reason)
        ),
    ),
    "questions": Figure(
        "switchboard_questions",
        "Questions asked, and what became of them.",
        ("transport", "outcome"),
        tuple(product(TRANSPORTS, ("asked", "answered", "failed", "given_up"))),
    ),
    "errors": Figure(
        "switchboard_errors",
        "Errors told about a session, by whether they named it.",
        ("where", "session_id"),
        tuple(product(("event", "answer"), ("kept", "lost"))),
    ),
    "webhooks": Figure(
        "switchboard_webhook_attempts",
        "Outgoing webhooks, by what the other side made of them.",
        ("type", "result"),
        tuple(product(WEBHOOKS, ("delivered", "failed"))),
    ),
}

DISTRIBUTIONS = {
    "span": Figure(
        "switchboard_start_span_seconds",
        "How long each stretch of a start took.",
        ("span",),
        tuple(
            (span,)
            for span in (
                "accepted_claimed",
                "claimed_joined",
                "joined_ready",
                "accepted_ready",
                "ready_userJoined",
                "userJoined_firstAudio",
                "accepted_firstAudio",
            )
        ),
    ),
    "turn": Figure(
        "switchboard_turn_seconds",
        "From the end of what a caller said to the first sound of the answer.",
        known=((),),
    ),
    "takeover": Figure(
        "switchboard_takeover_seconds",
        "From the moment the loss of an agent is noticed to the next one that is ready.",
        ("cause",),
        tuple((cause,) for cause in CAUSES),
    ),
    "answer": Figure(
        "switchboard_answer_seconds",
        "From a question to its answer.",
        ("transport",),
        tuple((transport,) for transport in TRANSPORTS),
    ),
}
