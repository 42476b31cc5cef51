"""What must livekit-server not get as it came? What would end its process, and every call in it.

When ICE is restarted it takes the candidates out of the offer it has kept, and panics where a
section ends with two of them; those of the restart it keeps at the very end, for the next restart
to find. So an offer's candidates never come last, and a restart's follow it on their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_CANDIDATE = re.compile(r"a=(candidate|end-of-candidates)")
"""To livekit-server it is one without a value as well."""
_BREAK = re.compile(r"\r?\n")
"""Not what ``splitlines`` takes for one: livekit-server does not, and neither does who looked."""


def without_candidates_last(offer: str) -> str:
    """Return an offer with the candidates of each section before its other attributes.

    Those of a section without any other are left out: it is found by what it sends.
    """
    lines = [line for section in _sections(offer) for line in _in_order(section)]
    return _joined(lines)


def parted(fragment: str) -> tuple[str, str | None]:
    """Return a fragment without its candidates, and all of it if there are any."""
    lines = _lines(fragment)
    others = [line for line in lines if not _CANDIDATE.match(line)]
    return _joined(others), fragment if len(others) < len(lines) else None


def _sections(sdp: str) -> Iterator[list[str]]:
    section: list[str] = []
    for line in _lines(sdp):
        if line.startswith("m="):
            yield section
            section = []
        section.append(line)
    yield section


def _lines(sdp: str) -> list[str]:
    return [line for line in _BREAK.split(sdp) if line]


def _in_order(section: Sequence[str]) -> list[str]:
    candidates = [line for line in section if _CANDIDATE.match(line)]
    others = [line for line in section if not _CANDIDATE.match(line)]
    first = next((at for at, line in enumerate(others) if line.startswith("a=")), None)
    return others if first is None else [*others[:first], *candidates, *others[first:]]


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\r\n" for line in lines)
