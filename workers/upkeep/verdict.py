"""A session's deadline has passed: what is to be done with it? A decision, nothing more."""

from __future__ import annotations

from enum import Enum, auto

from sessions.models import Session
from sessions.settings import Settings
from sessions.states import Channel, Reason, State


class Verdict(Enum):
    """What the reaper does with a session, if it does not end it."""

    WAIT = auto()
    NUDGE = auto()
    RECOVER = auto()
    REPLACE = auto()
    FINISH = auto()


def judge(session: Session, *, leased: bool, now: int, settings: Settings) -> Verdict | Reason:
    """Say what is due for ``session`` at ``now`` (Unix ms): an action, or a reason to end it."""
    match session.state:
        case State.ENDING:
            grace_over = now >= session.ending_since + settings.ending_grace_seconds * 1000
            return Verdict.FINISH if grace_over or not leased else Verdict.WAIT
        case State.QUEUED:
            return Reason.QUEUE_TIMEOUT if now >= session.queue_until else Verdict.NUDGE
        case _ if session.channel is Channel.TEXT:
            return _judge_text(session, now, settings)
        case _:
            return _judge_voice(session, leased=leased, now=now, settings=settings)


def _judge_text(session: Session, now: int, settings: Settings) -> Verdict | Reason:
    if now >= session.expires_at:
        return Reason.MAX_DURATION
    idle_at = session.active_at + settings.idle_timeout_seconds * 1000
    return Reason.IDLE_TIMEOUT if now >= idle_at else Verdict.WAIT


def _judge_voice(
    session: Session, *, leased: bool, now: int, settings: Settings
) -> Verdict | Reason:
    if now >= session.expires_at + settings.ending_grace_seconds * 1000:
        return Reason.MAX_DURATION
    if session.owned_generation < session.generation:
        waited = now - session.recovering_since
        lost = waited >= settings.queue_timeout_seconds * 1000
        return Reason.RECOVERY_FAILED if lost else Verdict.NUDGE
    if not leased:
        return Verdict.RECOVER
    stuck = now >= session.claimed_at + settings.start_timeout_seconds * 1000
    return Verdict.REPLACE if stuck and session.state is not State.READY else Verdict.WAIT
