"""What does an agent do that finds no config? It takes the call all the same."""

from __future__ import annotations

import hashlib

from sessions.models import Session, SessionConfig
from sessions.settings import Settings
from sessions.voices import load_voices


def default_config(session: Session, settings: Settings) -> SessionConfig:
    """Return a config whose voice depends on the user's name alone, the same every time."""
    voices = load_voices(settings.voices_file).names
    seed = int.from_bytes(hashlib.sha256(session.user_name.encode()).digest()[:8], "big")
    return SessionConfig(
        voice_id=voices[seed % len(voices)],
        user_name=session.user_name,
        opening_line=settings.default_opening_line.replace("{userName}", session.user_name),
        system_prompt=settings.default_system_prompt,
        agent=settings.default_agent,
        knowledge=settings.default_knowledge,
        max_duration_seconds=settings.max_duration_seconds,
    )
