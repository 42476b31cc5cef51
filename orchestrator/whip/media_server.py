"""How is an offer handed to livekit-server, and what follows on the connection made of it?

livekit-server speaks WHIP itself. It wants its own token for each request, and to be told whose
track it is to send back on the same connection.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import structlog

from orchestrator.access import tokens
from orchestrator.whip.errors import (
    InvalidOfferError,
    MediaServerAwayError,
    MediaServerRefusedError,
    NoConnectionError,
)
from orchestrator.whip.guarding import parted, without_candidates_last
from orchestrator.whip.headers import FRAGMENT, OFFER, links
from orchestrator.whip.offers import Offer
from sessions.models import Session
from sessions.rooms import AGENT_IDENTITY, AGENT_TRACK, HEARS_NOTHING, VIA, WHIP
from sessions.settings import Settings

_PATH = "/whip/v1"
_WHO_IS_THERE = "/twirp/livekit.RoomService/GetParticipant"
_VOICE_SECONDS = 2.0
_LOOK_SECONDS = 0.005
_TIMEOUT = httpx.Timeout(5.0, connect=3.0)
"""It answers in a fraction of a second, or it looks for an agent who has gone."""
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=60)
_AGENTS_VOICE = json.dumps({"subscribedParticipantTrackNames": {AGENT_IDENTITY: [AGENT_TRACK]}})
_STALE = "ice session mismatch"
_NOBODY_THERE = "no response from servers"
_OF_THE_SDP = ("remote description", "remotedescription", "failed to parse")
"""What it says of an offer that it cannot use, with the status of a server that is ill."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Connected:
    """The answer to an offer; ``resource`` is what livekit-server calls the connection."""

    sdp: str
    resource: str
    tag: str
    links: Sequence[str]


class StaleTagError(Exception):
    """livekit-server has another ICE session than the tag stands for."""


class MediaServer:
    """livekit-server's WHIP, over connections that are kept."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # ws becomes http, and wss https.
        base = re.sub("^ws", "http", settings.livekit_url)
        self._http = httpx.Client(base_url=base, timeout=_TIMEOUT, limits=_LIMITS)

    def close(self) -> None:
        """Let go of the connections that are kept."""
        self._http.close()

    def connect(self, session: Session, offer: Offer) -> Connected:
        """Have the caller of ``session`` join its room, and hear the agent that is there.

        A voice that is in the room a moment later is not sent to them, and livekit-server waits for
        seconds before it tries again; so the offer waits for the voice.

        Raises:
            InvalidOfferError, MediaServerAwayError, MediaServerRefusedError: see ``_check``.
        """
        headers, attributes = {"Content-Type": OFFER}, {VIA: WHIP}
        if offer.hears:
            self._wait_for_voice(session)
            headers["X-LiveKit-ClientInfo"] = _AGENTS_VOICE
        else:
            attributes[HEARS_NOTHING] = "1"
        token = tokens.sign(session, self._settings, attributes)
        reply = self._send("POST", _PATH, token, without_candidates_last(offer.sdp), headers)
        if reply.status_code != httpx.codes.CREATED:
            raise _refusal(reply)
        return Connected(
            sdp=reply.text,
            resource=reply.headers["Location"].rpartition("/")[2],
            tag=reply.headers.get("ETag", ""),
            links=links(reply.headers.get_list("Link")),
        )

    def trickle(self, session: Session, fragment: str) -> None:
        """Give one side's further ICE candidates to the other.

        Raises:
            StaleTagError: ICE has been restarted since the session's tag.
            NoConnectionError: the connection has gone.
            InvalidOfferError, MediaServerAwayError, MediaServerRefusedError: as ``connect``.
        """
        self._add_candidates(session, fragment, session.whip_tag)

    def restart(self, session: Session, fragment: str) -> Connected:
        """Begin ICE anew; the ``sdp`` of what is returned is a fragment too.

        Raises what ``trickle`` does.
        """
        credentials, candidates = parted(fragment)
        reply = self._patch(session, credentials, "*")
        if reply.status_code != httpx.codes.OK:
            raise _refusal(reply)
        tag = reply.headers.get("ETag", "")
        if candidates is not None:
            self._add_candidates(session, candidates, tag)
        return Connected(reply.text, session.whip, tag, ())

    def _add_candidates(self, session: Session, fragment: str, tag: str) -> None:
        reply = self._patch(session, fragment, tag)
        if reply.status_code != httpx.codes.NO_CONTENT:
            raise _refusal(reply)

    def _wait_for_voice(self, session: Session) -> None:
        """Return when livekit-server has got the first sound of the agent, or after two seconds."""
        token = tokens.sign_for_looking(session, self._settings)
        wanted = json.dumps({"room": session.room, "identity": AGENT_IDENTITY})
        deadline = time.monotonic() + _VOICE_SECONDS
        while time.monotonic() < deadline:
            headers = {"Content-Type": "application/json"}
            reply = self._send("POST", _WHO_IS_THERE, token, wanted, headers)
            if reply.is_success and reply.json().get("tracks"):
                return
            time.sleep(_LOOK_SECONDS)
        log.warning("agent_has_no_voice")

    def _patch(self, session: Session, fragment: str, tag: str) -> httpx.Response:
        headers = {"Content-Type": FRAGMENT, "If-Match": tag}
        token = tokens.sign(session, self._settings)
        return self._send("PATCH", f"{_PATH}/{session.whip}", token, fragment, headers)

    def _send(
        self, method: str, path: str, token: str, content: str, headers: dict[str, str]
    ) -> httpx.Response:
        headers["Authorization"] = f"Bearer {token}"
        try:
            return self._http.request(method, path, content=content, headers=headers)
        except httpx.TransportError as error:
            log.warning("media_server_away", error=f"{type(error).__name__}: {error}")
            raise MediaServerAwayError("livekit-server does not answer.", retry_after=2) from error


def _refusal(reply: httpx.Response) -> Exception:
    said, status = reply.text[:500], reply.status_code
    log.warning("media_server_refused", status=status, said=said)
    if _STALE in said:
        return StaleTagError()
    if status == httpx.codes.NOT_FOUND or (
        reply.request.method == "PATCH" and _NOBODY_THERE in said
    ):
        return NoConnectionError("The connection has gone; POST a new offer.")
    if status == httpx.codes.BAD_REQUEST or any(mark in said.lower() for mark in _OF_THE_SDP):
        return InvalidOfferError(f"livekit-server cannot use this SDP: {_error_in(reply)}.")
    return MediaServerRefusedError(f"livekit-server answered {status} and took no call.")


def _error_in(reply: httpx.Response) -> str:
    try:
        return str(reply.json()["error"])
    except (ValueError, KeyError, TypeError):
        return "it does not say why"
