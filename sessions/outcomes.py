"""What can a verb of the store answer besides "done"?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sessions.models import Session


@dataclass(frozen=True, slots=True)
class AliasTaken:
    """The answer of ``create`` and ``alias`` when a name belongs to another session."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What an agent learns when it takes a session. ``at`` is Redis's clock in Unix ms."""

    session: Session
    config_fields: Mapping[str, str]
    owner: str
    at: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a verb changed nothing; the words are in the headers of the Lua files."""

    why: str


def refusal_in(reply: list[Any]) -> Refusal | None:
    """Return why a verb changed nothing, if its reply says that."""
    return Refusal(str(reply[1])) if reply[0] == "refused" else None
