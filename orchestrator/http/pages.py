"""How does a page of ours reach a browser, and what may it do there?

A page is plain files in the package. It runs its own script only, talks to its own host only, and
is shown in no frame. It holds no data: what it shows it asks for, with a key that the page keeps.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path

from flask import Response, request, send_from_directory

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; media-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
}
_PACKED = frozenset({"text/html", "text/css", "text/javascript", "image/svg+xml"})


def send_page_file(folder: Path, name: str) -> Response:
    """Return a file of a page; browsers ask again each time and are told if it is the same.

    Raises:
        NotFound: there is no such file in the folder.
    """
    response = send_from_directory(folder, name, max_age=0, etag=True)
    response.headers.update(_HEADERS)
    response.vary.add("Accept-Encoding")
    if response.status_code == 200 and response.mimetype in _PACKED and _takes_gzip():
        _pack(response)
    return response


def _takes_gzip() -> bool:
    return request.accept_encodings["gzip"] > 0


def _pack(response: Response) -> None:
    # It reads the file, instead of handing it to the server.
    response.direct_passthrough = False
    response.set_data(_packed(response.get_data()))
    response.content_encoding = "gzip"
    response.headers.pop("Accept-Ranges", None)
    # The same content in other bytes; a strong tag would promise the same bytes.
    response.set_etag(response.get_etag()[0] or "", weak=True)


@lru_cache(maxsize=256)
def _packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)
