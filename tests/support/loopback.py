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
