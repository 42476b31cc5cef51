"""How much may one caller of the API have at once?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How many live sessions, and starts a minute, one scope may have; 0 sets no limit.

    ``priority`` is the greatest that its sessions may wait with; ``None`` leaves that to the house.
    """

    live: int = 0
    live_per_user: int = 0
    starts_per_minute: int = 0
    priority: int | None = None
