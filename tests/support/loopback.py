"""How does a test ask a server of this machine, again and again if need be?

``httpx`` reads the certificates of the whole world for each request, which takes 30 ms of a core.
"""

from __future__ import annotations

import ssl
from functools import partial

import httpx

_NOBODY_IS_TRUSTED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

get = partial(httpx.get, verify=_NOBODY_IS_TRUSTED)
post = partial(httpx.post, verify=_NOBODY_IS_TRUSTED)


def is_up(url: str) -> bool:
    """Tell whether somebody answers there, whatever it be."""
    return _status(url, 2) is not None


def is_well(url: str, timeout: float = 2) -> bool:
    """Tell whether somebody answers there that all is well."""
    return _status(url, timeout) == httpx.codes.OK


def _status(url: str, timeout: float) -> int | None:
    try:
        return get(url, timeout=timeout).status_code
    except httpx.TransportError:
        return None
