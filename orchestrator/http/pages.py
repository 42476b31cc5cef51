"""How does a page of ours reach a browser, and what may it do there?

A page is plain files in the package. It runs its own script only, talks to its own host only, and
is shown in no frame. It holds no data: what it shows it asks for, with a key that the page keeps.
"""

from __future__ import annotations

from pathlib import Path

from flask import Response, send_from_directory

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


def send_page_file(folder: Path, name: str) -> Response:
    """Return a file of a page; browsers ask again each time and are told if it is the same.

    Raises:
        NotFound: there is no such file in the folder.
    """
    response = send_from_directory(folder, name, max_age=0, etag=True)
    response.headers.update(_HEADERS)
    return response
