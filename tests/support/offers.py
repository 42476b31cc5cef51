"""What does a caller by WHIP offer, and how does a test of HTTP post it?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.test import Client, TestResponse

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
WHIP = "/whip"

OFFER = "\r\n".join(
    (
        "v=0",
        "o=- 4004279178 4004279178 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 96",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=sendrecv",
        "a=ice-ufrag:W0u0",
        "a=ice-pwd:GcbHHg61Jxx7EF8qupMttf",
        "a=fingerprint:sha-256 " + ":".join(["7E"] * 32),
        "a=setup:actpass",
        "a=rtcp-mux",
        "a=rtpmap:96 opus/48000/2",
        "",
    )
)
CANDIDATES = "a=ice-ufrag:W0u0\r\na=ice-pwd:GcbHHg61Jxx7EF8qupMttf\r\na=end-of-candidates\r\n"


def offer(
    client: Client, headers: Mapping[str, str] | None = None, sdp: str = OFFER, **query: Any
) -> TestResponse:
    """Post an offer."""
    given = {"Content-Type": SDP, **(headers or {})}
    return client.post(WHIP, data=sdp.encode(), headers=given, query_string=query)


def patch(
    client: Client, place: str, tag: str | None, content: str = CANDIDATES, **headers: str
) -> TestResponse:
    """Send a fragment to a call."""
    given = {"Content-Type": FRAGMENT, **({} if tag is None else {"If-Match": tag}), **headers}
    return client.patch(place, data=content.encode(), headers=given)
