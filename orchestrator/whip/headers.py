"""How do livekit-server's headers become such as HTTP knows them?

It gives its entity tag without quotes, and addresses of ICE servers with their colons escaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from flask import Request
from werkzeug.exceptions import PreconditionFailed, PreconditionRequired

OFFER = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"

_LINK = re.compile(r"<([^<>]*)>(.*)")


def quoted(tag: str) -> str:
    """Return an entity tag as `ETag` has it."""
    return f'"{tag}"'


def is_restart(request: Request, tag: str) -> bool:
    """Tell whether a PATCH begins ICE anew; if not, it is about the ICE that ``tag`` stands for.

    Raises:
        PreconditionRequired: the request does not say what it is about.
        PreconditionFailed: it is about another ICE than the present one.
    """
    if "If-Match" not in request.headers:
        raise PreconditionRequired(
            "Send the `ETag` of the answer as `If-Match`, or `If-Match: *` to restart ICE."
        )
    if request.if_match.star_tag:
        return True
    if not request.if_match.contains(tag):
        raise PreconditionFailed("ICE has been restarted since; this is about the one before.")
    return False


def links(given: Sequence[str]) -> list[str]:
    """Return `Link` headers that name ICE servers with their addresses unescaped."""
    found = [_LINK.fullmatch(one.strip()) for one in given]
    return [f"<{unquote(link[1])}>{link[2]}" for link in found if link is not None]
