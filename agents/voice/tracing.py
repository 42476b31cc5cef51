"""How do the spans of LiveKit's framework get among our own: turns, hearing, thinking, speaking?"""

from __future__ import annotations

from livekit.agents import telemetry

from sessions.settings import Settings
from sessions.tracing import start_tracing


def trace_agent(settings: Settings) -> None:
    """Collect the spans of this process, which must not fork any more."""
    tracing = start_tracing(settings, "agent")
    if tracing is not None:
        telemetry.set_tracer_provider(tracing.provider, allow_pii=False)
