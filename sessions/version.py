"""Which version of Switchboard is this?"""

from __future__ import annotations

from functools import cache
from importlib import metadata


@cache
def version() -> str:
    """Return the version of the installed package."""
    return metadata.version("switchboard-voice")
