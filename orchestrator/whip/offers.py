"""Is this text an offer of a call with a voice? Looked at before a session is started for it.

livekit-server looks at an offer only when there is a room and an agent; what it cannot use must not
get that far. How the media are coded is between the caller and livekit-server, but for the agent's
voice: it is in Opus, and for a caller who cannot play that livekit-server would wait for ever.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from orchestrator.whip.errors import InvalidOfferError

_LINE = re.compile(r"[a-z]=.*")
_MEDIA = re.compile(
    r"m=(?P<kind>[a-z]+) (?P<port>\d{1,5})(?:/\d+)? (?P<protocol>[A-Z/]+) (?P<formats>\S.*)"
)
_OPUS = re.compile(r"a=rtpmap:(?P<format>\d+) +opus/48000(/2)?", re.IGNORECASE)
"""livekit-server takes it without its channels too."""
_HEAD = ("v=0", "o=", "s=", "t=")
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_NEEDED = {
    "mid": re.compile(r"\S+"),
    "ice-ufrag": re.compile(r"\S+"),
    "ice-pwd": re.compile(r"\S+"),
    "fingerprint": re.compile(r"[\w-]+ [0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+"),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that can be handed on; ``hears`` if the caller can play the agent's voice."""

    sdp: str
    hears: bool


@dataclass(frozen=True, slots=True)
class _Section:
    """The lines that are about one medium, or about all of them."""

    lines: Sequence[str]

    def value(self, name: str) -> str | None:
        """Return what an attribute says; nothing, where it only stands there."""
        for line in self.lines:
            key, _, value = line.removeprefix("a=").partition(":")
            if line.startswith("a=") and key == name:
                return value
        return None

    def direction(self) -> str | None:
        """Return in which direction media flow, where that is said."""
        return next((name for name in _DIRECTIONS if self.value(name) is not None), None)

    def has_opus(self) -> bool:
        """Tell whether one of the formats that the medium may come in is Opus."""
        media = _MEDIA.fullmatch(self.lines[0])
        formats = media["formats"].split() if media else []
        named = map(_OPUS.fullmatch, (line.rstrip() for line in self.lines))
        return any(one is not None and one["format"] in formats for one in named)


def read_offer(content: bytes) -> Offer:
    """Return the offer that ``content`` is.

    Raises:
        InvalidOfferError: it is no SDP, offers no voice, or lacks what a connection needs.
    """
    sdp = _text(content)
    head, media = _sections(sdp)
    voices = [one for one in media if _is_voice(one)]
    if not voices:
        raise InvalidOfferError("The offer has no audio: an `m=audio` section with DTLS-SRTP.")
    for name, form in _NEEDED.items():
        values = [one.value(name) or head.value(name) or "" for one in voices]
        if not all(map(form.fullmatch, values)):
            raise InvalidOfferError(f"The offer's audio has no `a={name}` that can be used.")
    ways = [one.direction() or head.direction() or "sendrecv" for one in voices]
    if not {"sendrecv", "sendonly"}.intersection(ways):
        raise InvalidOfferError("The offer's audio is not sent, so no agent could hear it.")
    heard = [one for one, way in zip(voices, ways, strict=True) if way in {"sendrecv", "recvonly"}]
    if not all(one.has_opus() for one in heard):
        raise InvalidOfferError("The offer's audio is not in Opus, as the agent's voice is.")
    return Offer(sdp, hears=bool(heard))


def read_fragment(content: bytes) -> str:
    """Return the SDP fragment (RFC 8840) that ``content`` is.

    Raises:
        InvalidOfferError: it is none.
    """
    fragment = _text(content)
    if not fragment.strip():
        raise InvalidOfferError("The fragment is empty.")
    _lines(fragment)
    return fragment


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidOfferError("The SDP is not UTF-8.") from error


def _lines(sdp: str) -> list[str]:
    lines = [line for line in re.split(r"\r\n|\n", sdp) if line]
    for number, line in enumerate(lines, 1):
        if _LINE.fullmatch(line) is None:
            raise InvalidOfferError(f"Line {number} is no line of SDP.")
    return lines


def _sections(sdp: str) -> tuple[_Section, list[_Section]]:
    lines = _lines(sdp)
    starts = [n for n, line in enumerate(lines) if line.startswith("m=")] + [len(lines)]
    head = lines[: starts[0]]
    if not head or head[0] != _HEAD[0]:
        raise InvalidOfferError("The body is no SDP: its first line is not `v=0`.")
    for begin in _HEAD[1:]:
        if not any(line.startswith(begin) for line in head):
            raise InvalidOfferError(f"The SDP has no line `{begin}`.")
    pairs = pairwise(starts)
    return _Section(head), [_Section(lines[start:end]) for start, end in pairs]


def _is_voice(section: _Section) -> bool:
    media = _MEDIA.fullmatch(section.lines[0])
    if media is None:
        raise InvalidOfferError(f"`{section.lines[0][:64]}` is no medium.")
    offered = int(media["port"]) != 0 or section.value("bundle-only") is not None
    return media["kind"] == "audio" and media["protocol"].endswith("TLS/RTP/SAVPF") and offered
