"""Which agents has a session had, one after the other, and how did each one's time end?

The verbs note it in fields of the session's hash, ``generation:<number>:<what>``, as it happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Generation:
    """One agent; moments are Unix milliseconds, 0 for what has not happened.

    ``cause`` is why its time ended: ``left`` where it had done its work, else the cause of the
    takeover or the handover. Without one it is still there, or nobody has seen it go.
    """

    number: int
    worker: str = ""
    host: str = ""
    claimed_at: int = 0
    ready_at: int = 0
    ended_at: int = 0
    cause: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as the archive and clients see it."""
        return {
            "number": self.number,
            "worker": self.worker or None,
            "host": self.host or None,
            "claimedAt": self.claimed_at or None,
            "readyAt": self.ready_at or None,
            "endedAt": self.ended_at or None,
            "cause": self.cause or None,
        }


def generations_in(fields: Mapping[str, str], newest: int) -> tuple[Generation, ...]:
    """Return the generations of a session, from its hash, up to the ``newest``."""
    return tuple(_read(fields, number) for number in range(1, newest + 1))


def _read(fields: Mapping[str, str], number: int) -> Generation:
    def value(what: str) -> str:
        return fields.get(f"generation:{number}:{what}", "")

    owner = value("owner").split(":")
    return Generation(
        number=number,
        worker=value("worker"),
        # `<generation>:<host>:...`; see `claim.lua`.
        host=owner[1] if len(owner) > 1 else "",
        claimed_at=int(value("claimed") or 0),
        ready_at=int(value("ready") or 0),
        ended_at=int(value("ended") or 0),
        cause=value("cause"),
    )
