"""What does a check find, and what is it given to look at?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sessions.settings import Settings

PATIENCE_SECONDS = 1.5
"""How long one question to one part may take."""


class Verdict(StrEnum):
    """How a part is."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """How a part is, in a sentence that says what to do where it is not well."""

    verdict: Verdict
    detail: str

    def to_json(self, name: str) -> dict[str, Any]:
        """Return the finding for a program."""
        return {"name": name, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined."""

    settings: Settings
    url: str


def ok(detail: str) -> Finding:
    """Return that a part is well."""
    return Finding(Verdict.OK, detail)


def warning(detail: str) -> Finding:
    """Return that a part works, and should be looked at."""
    return Finding(Verdict.WARNING, detail)


def broken(detail: str) -> Finding:
    """Return that calls fail for this part."""
    return Finding(Verdict.BROKEN, detail)
