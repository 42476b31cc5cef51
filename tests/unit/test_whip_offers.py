"""What is no offer of a voice is known before anything is started for it."""

from __future__ import annotations

import pytest

from orchestrator.whip.errors import InvalidOfferError
from orchestrator.whip.headers import links
from orchestrator.whip.offers import read_fragment, read_offer
from tests.support.offers import OFFER

VIDEO = OFFER[OFFER.index("m=audio") :].replace("m=audio", "m=video").replace("mid:0", "mid:1")

PCMU = "a=rtpmap:0 PCMU/8000\r\n"
MORE = OFFER[OFFER.index("m=audio") :].replace("mid:0", "mid:1")


@pytest.mark.parametrize(
    ("given", "hears"),
    [
        (OFFER, True),
        (OFFER.replace("\r\n", "\n"), True),
        (OFFER.replace("a=sendrecv\r\n", ""), True),
        (OFFER.replace("a=sendrecv", "a=sendonly"), False),
        (OFFER + VIDEO, True),
        (OFFER.replace("m=audio 9", "m=audio 0").replace("a=mid", "a=bundle-only\r\na=mid"), True),
        (OFFER.replace("a=sendrecv\r\n", "").replace("m=audio", "a=sendonly\r\nm=audio"), False),
        (OFFER.replace("opus/48000/2", "OPUS/48000/2"), True),
        (OFFER.replace("opus/48000/2", "opus/48000"), True),
        (OFFER.replace("SAVPF 96", "SAVPF 0 96 8").replace("a=mid", f"{PCMU}a=mid"), True),
        (OFFER.replace("a=sendrecv", "a=sendonly").replace("opus/48000/2", "L16/48000"), False),
        (OFFER + VIDEO.replace("opus/48000/2", "VP8/90000"), True),
    ],
)
def test_offer_when_it_has_a_voice_then_it_is_handed_on_as_it_came(given: str, hears: bool) -> None:
    found = read_offer(given.encode())
    assert (found.sdp, found.hears) == (given, hears)


@pytest.mark.parametrize("name", ["ice-ufrag", "ice-pwd", "fingerprint"])
def test_offer_when_the_head_says_it_for_all_sections_then_none_need_repeat_it(name: str) -> None:
    [line] = [line for line in OFFER.split("\r\n") if line.startswith(f"a={name}:")]
    moved = OFFER.replace(f"{line}\r\n", "").replace("m=audio", f"{line}\r\nm=audio")
    assert read_offer(moved.encode()).hears


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (b"", "first line"),
        (b"rubbish", "Line 1"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"sdp": "v=0"}', "Line 1"),
        (OFFER.replace("v=0", "v=1").encode(), "first line"),
        (OFFER.replace("o=", "x=").encode(), "o="),
        (OFFER.replace("t=0 0\r\n", "").encode(), "t="),
        (OFFER.split("m=")[0].encode(), "no audio"),
        (OFFER.replace("m=audio", "m=video").encode(), "no audio"),
        (OFFER.replace("m=audio 9", "m=audio 0").encode(), "no audio"),
        (OFFER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP").encode(), "no audio"),
        (OFFER.replace("m=audio 9", "m=audio").encode(), "no medium"),
        (OFFER.replace("a=mid:0\r\n", "").encode(), "a=mid"),
        (OFFER.replace("a=ice-ufrag:W0u0\r\n", "").encode(), "a=ice-ufrag"),
        (OFFER.replace("a=ice-ufrag:W0u0", "a=ice-ufrag:").encode(), "a=ice-ufrag"),
        (OFFER.replace("a=ice-pwd:", "a=ice-word:").encode(), "a=ice-pwd"),
        (OFFER.replace("sha-256 7E:", "sha-256 rubbish:").encode(), "a=fingerprint"),
        (OFFER.replace("a=sendrecv", "a=recvonly").encode(), "not sent"),
        (OFFER.replace("a=sendrecv", "a=inactive").encode(), "not sent"),
        (OFFER.replace("96 opus/48000/2", "96 PCMU/8000").encode(), "Opus"),
        (OFFER.replace("opus/48000/2", "opus/48000/6").encode(), "Opus"),
        (OFFER.replace("a=rtpmap:96 opus/48000/2\r\n", "").encode(), "Opus"),
        (OFFER.replace("a=rtpmap:96", "a=rtpmap:97").encode(), "Opus"),
        (OFFER.replace("SAVPF 96", "SAVPF 0").encode(), "Opus"),
        ((OFFER + MORE.replace("opus/48000/2", "G722/8000")).encode(), "Opus"),
        ((OFFER + "and more").encode(), "Line 16"),
    ],
)
def test_offer_when_no_call_can_be_made_of_it_then_the_caller_learns_why(
    given: bytes, why: str
) -> None:
    with pytest.raises(InvalidOfferError, match=why):
        read_offer(given)


@pytest.mark.parametrize("given", [b"", b"\r\n", b"rubbish", b"\xff", b"a=ok\r\nrubbish"])
def test_fragment_when_it_is_none_then_it_is_refused(given: bytes) -> None:
    with pytest.raises(InvalidOfferError):
        read_fragment(given)


def test_links_when_the_addresses_are_escaped_then_they_are_plain_again() -> None:
    turn = 'rel="ice-server"; username="a"; credential="b,c"'
    given = [f"<turn:host:3478%3Ftransport=udp>; {turn}", '<stun:host>; rel="ice-server"', "junk"]
    assert links(given) == [
        f"<turn:host:3478?transport=udp>; {turn}",
        '<stun:host>; rel="ice-server"',
    ]
