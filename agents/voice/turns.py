"""Whose turn is it? When the caller has finished, and when the agent stops for them."""

from __future__ import annotations

from livekit.agents.voice.turn import TurnHandlingOptions

from agents.voice.utterance import Pauses
from sessions.settings import Settings

_AHEAD_SECONDS = 0.16
_INTERIM_SECONDS = 1.8
_TRIES = 5
"""How often in one turn an answer is prepared for nothing: once for each pause for thought."""


def pauses(settings: Settings) -> Pauses:
    """Return how long a silence of the caller means what."""
    over = settings.turn_pause_seconds
    return Pauses(
        ahead=min(_AHEAD_SECONDS, over),
        over=over,
        unfinished=max(over, settings.unfinished_pause_seconds),
        interim=_INTERIM_SECONDS,
    )


def turn_handling(settings: Settings) -> TurnHandlingOptions:
    """Return the same for the session."""
    return TurnHandlingOptions(
        # The default would load a model of 240 MB into every call.
        turn_detection="vad",
        endpointing={
            "min_delay": settings.turn_pause_seconds,
            "max_delay": settings.unfinished_pause_seconds,
        },
        interruption={
            "mode": "vad",
            "min_duration": settings.barge_in_seconds,
            "resume_false_interruption": True,
            "false_interruption_timeout": settings.false_alarm_seconds,
        },
        preemptive_generation={
            "enabled": True,
            "preemptive_tts": True,
            "max_retries": _TRIES,
        },
    )
