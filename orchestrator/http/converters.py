"""Which part of a path names a session?"""

from __future__ import annotations

from werkzeug.routing import BaseConverter


class SessionReference(BaseConverter):
    """An id or an alias, but not the last word of `/session/start` and `/session/end`."""

    regex = r"(?!(?:start|end)(?:/|\Z))[^/]+"
    part_isolating = True
