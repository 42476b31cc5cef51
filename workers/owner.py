"""Who is this process, so that no other process anywhere can be mistaken for it?"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import psutil

from sessions.settings import host_name


def owner_of(generation: int) -> str:
    """Return ``<generation>:<host>:<boot id>:<pid>:<process start>`` for this process."""
    started = round(psutil.Process().create_time() * 1000)
    return f"{generation}:{host_name()}:{boot_id()}:{os.getpid()}:{started}"


@cache
def boot_id() -> str:
    """Return what tells one boot of this machine from the next: a pid means nothing across it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"{psutil.boot_time():.0f}"
