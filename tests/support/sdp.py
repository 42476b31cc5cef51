"""What of a session description travels alone: the candidates and credentials of a fragment."""

from __future__ import annotations

_END = "a=end-of-candidates"
_OF_FRAGMENT = ("a=ice-ufrag:", "a=ice-pwd:", "a=mid:", "a=candidate:", _END)


def without_candidates(sdp: str) -> str:
    """Return an offer of somebody who sends their candidates later."""
    kept = [line for line in sdp.splitlines() if not line.startswith(("a=candidate:", _END))]
    return _joined(kept)


def fragment(sdp: str) -> str:
    """Return the fragment with the credentials and all candidates of the first media section."""
    lines = sdp.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("m=")]
    first = lines[starts[0] : [*starts, len(lines)][1]]
    group = [line for line in lines[: starts[0]] if line.startswith("a=group:BUNDLE")]
    return _joined([*group, first[0], *(line for line in first if line.startswith(_OF_FRAGMENT))])


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\r\n" for line in lines)
