"""What would end livekit-server's process does not reach it."""

from __future__ import annotations

import pytest

from orchestrator.whip.guarding import parted, without_candidates_last

HEAD = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
ONE, OTHER, END = (
    "a=candidate:1 1 udp 9 192.0.2.1 9 typ host",
    "a=candidate:2",
    "a=end-of-candidates",
)
BARE = "a=candidate"
VOICE = ["m=audio 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0"]
FILM = ["m=video 9 UDP/TLS/RTP/SAVPF 97"]


def sdp(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


@pytest.mark.parametrize("last", [[ONE], [ONE, OTHER], [ONE, OTHER, END], [END], [BARE, BARE]])
def test_offer_when_a_section_ends_with_candidates_then_they_come_before_its_other_attributes(
    last: list[str],
) -> None:
    given = sdp(*HEAD, *VOICE, "a=mid:0", "a=rtcp-mux", *last, *FILM, "a=mid:1", *last)
    wanted = sdp(*HEAD, *VOICE, *last, "a=mid:0", "a=rtcp-mux", *FILM, *last, "a=mid:1")
    assert without_candidates_last(given) == wanted


def test_offer_when_a_section_has_only_candidates_then_they_are_left_out() -> None:
    assert without_candidates_last(sdp(*HEAD, *VOICE, ONE, OTHER)) == sdp(*HEAD, *VOICE)


def test_offer_when_it_has_no_candidates_then_nothing_changes() -> None:
    offer = sdp(*HEAD, *VOICE, "a=mid:0", "a=sendrecv")
    assert without_candidates_last(offer) == offer


def test_fragment_when_it_has_candidates_then_they_can_follow_the_restart() -> None:
    fragment = sdp(VOICE[0], "a=mid:0", "a=ice-ufrag:new", ONE, OTHER, END)
    assert parted(fragment) == (sdp(VOICE[0], "a=mid:0", "a=ice-ufrag:new"), fragment)


def test_fragment_when_it_has_no_candidates_then_nothing_follows() -> None:
    fragment = sdp(VOICE[0], "a=mid:0", "a=ice-ufrag:new")
    assert parted(fragment) == (fragment, None)


def test_fragment_when_a_line_has_an_odd_character_then_it_stays_one_line() -> None:
    fragment = sdp(VOICE[0], "a=mid:0\rm", "a=x\u2028m")
    assert parted(fragment) == (fragment, None)
