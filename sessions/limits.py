"""How much may one caller of the API have at once?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How many live sessions, and starts a minute, one scope may have; 0 sets no limit."""

    live: int = 0
    live_per_user: int = 0
    starts_per_minute: int = 0
