"""When is a message that was not taken sent again?

After 5 s, then each time after four times as long, but never later than after four hours; each wait
is a little shorter or longer by chance, so that what failed together does not come back together.
"""

from __future__ import annotations

import random

_FACTOR = 4
_LONGEST_MS = 4 * 3600 * 1000
_JITTER = 0.2


def next_attempt(
    attempts: int, now: int, give_up_at: int, *, first_ms: int, retry_after_ms: int = 0
) -> int | None:
    """Return when to try again after so many attempts, or ``None`` to give up.

    ``retry_after_ms`` is what the endpoint asked for. The last attempt is at ``give_up_at``.
    """
    if now >= give_up_at:
        return None
    steps = min(attempts - 1, 20)
    wait = min(first_ms * _FACTOR**steps, _LONGEST_MS) * random.uniform(1 - _JITTER, 1 + _JITTER)
    return min(now + max(round(wait), retry_after_ms), give_up_at)
