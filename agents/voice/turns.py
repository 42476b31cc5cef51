"""Whose turn is it? When the caller has finished, and when the agent stops for them."""

from __future__ import annotations

from livekit.agents.voice.turn import TurnHandlingOptions

from sessions.settings import Settings

_TRIES = 5
"""How often in one turn an answer is prepared for nothing: once for each pause for thought."""


def turn_handling(settings: Settings) -> TurnHandlingOptions:
    """Return how an ``AgentSession`` is to take turns."""
    return TurnHandlingOptions(
        # The default would load a model of 240 MB into every call.
        turn_detection="vad",
        endpointing={
            "min_delay": settings.turn_pause_seconds,
            "max_delay": max(settings.turn_pause_seconds, settings.unfinished_pause_seconds),
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
