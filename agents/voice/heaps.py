"""How much memory does the C library keep for threads that need next to none?

It gives each thread a heap of its own, up to eight for each processor. LiveKit's native library has
twenty threads in a call, and their heaps were 4 of its 70 MB (measured).
"""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8
_HEAPS = 2


def limit_heaps() -> None:
    """Let the threads of this process, and of what it forks, share two heaps."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    # Other C libraries than glibc have no such thing, and no such need.
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _HEAPS)
