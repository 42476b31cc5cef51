"""How does the process keep no more memory than its models need?

The C library gives each thread an arena of its own, and keeps what was freed in it. Reading models
frees a lot, and each of them is run by whichever thread serves the request.
"""

from __future__ import annotations

import ctypes
from typing import Final

_M_ARENA_MAX: Final = -8  # From malloc.h.
_ARENAS: Final = 2


def share_arenas() -> None:
    """Let all threads share two arenas; call it before there are any."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # Only glibc has it.
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Return what is free to the system: a quarter of it all, once the models are loaded."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
