"""Who is this process, so that no other process anywhere can be mistaken for it?"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from sessions.settings import host_name


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that holds, or held, a lease."""

    generation: int
    host: str
    boot_id: str
    pid: int
    started: int

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """Read what ``owner_of`` has written; ``None`` if it is nothing of the kind."""
        try:
            generation, host, boot, pid, started = text.split(":")
            return cls(int(generation), host, boot, int(pid), int(started))
        except ValueError:
            return None

    def may_live(self) -> bool:
        """Tell whether the process runs, as far as anybody on this machine can know."""
        if (self.host, self.boot_id) != (host_name(), boot_id()):
            return True
        try:
            return process_start(self.pid) == self.started and _is_no_corpse(self.pid)
        except psutil.NoSuchProcess:
            return False


def owner_of(generation: int) -> str:
    """Return ``<generation>:<host>:<boot id>:<pid>:<process start>`` for this process."""
    pid = os.getpid()
    return f"{generation}:{host_name()}:{boot_id()}:{pid}:{process_start(pid)}"


def process_start(pid: int) -> int:
    """Return when a process of this machine began, in ms.

    Raises:
        psutil.NoSuchProcess: it has gone.
    """
    return round(psutil.Process(pid).create_time() * 1000)


def _is_no_corpse(pid: int) -> bool:
    return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@cache
def boot_id() -> str:
    """Return what tells one boot of this machine from the next: a pid means nothing across it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"{psutil.boot_time():.0f}"
