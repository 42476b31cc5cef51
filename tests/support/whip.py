"""Who calls by WHIP? An aiortc client: it offers, is answered, speaks, and keeps what it hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, AudioResampler

from tests.support.microphone import Said
from tests.support.sdp import fragment, without_candidates
from tests.support.speech import RATE, Samples
from tests.support.whip_talker import WhipTalker
from tests.support.whip_track import SpokenTrack

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"

_OVER = ("closed", "failed")


@dataclass
class WhipCaller(WhipTalker):
    """A caller by WHIP on aiortc."""

    http: httpx.AsyncClient

    def __post_init__(self) -> None:
        self._listening: set[asyncio.Task[None]] = set()
        self._lay_line()

    @property
    def location(self) -> str:
        """Return where the call is, as the answer says."""
        return str(self.answer.url.join(self.answer.headers["Location"]))

    async def dial(self, *, trickle: bool = False) -> httpx.Response:
        """Offer, and take the answer if there is one; with ``trickle``, candidates follow alone."""
        offer = await self.offer()
        response = await self.post(without_candidates(offer) if trickle else offer)
        if response.status_code == httpx.codes.CREATED:
            await self.take(response)
            if trickle:
                return await self.patch(fragment(offer), response.headers["ETag"])
        return response

    async def offer(self) -> str:
        """Return an offer with all candidates."""
        await self.line.setLocalDescription(await self.line.createOffer())
        return self.line.localDescription.sdp

    async def take(self, answer: httpx.Response) -> None:
        """Take an answer, and begin to connect."""
        self.answer = answer
        await self.line.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))

    async def dial_again(self) -> httpx.Response:
        """Give the old connection up and offer anew."""
        await self.close()
        self._lay_line()
        return await self.dial()

    async def post(self, offer: str) -> httpx.Response:
        """Post an offer and return what the server says to it."""
        headers = {"Content-Type": SDP, **self.headers}
        return await self.http.post(self.endpoint, content=offer, headers=headers)

    async def patch(self, content: str, etag: str) -> httpx.Response:
        """Send a fragment: with the answer's ETag candidates, with ``*`` a restart of ICE."""
        headers = {"Content-Type": FRAGMENT, "If-Match": etag, **self.headers}
        return await self.http.patch(self.location, content=content, headers=headers)

    async def hang_up(self) -> httpx.Response:
        """End the call by DELETE, as WHIP clients do."""
        return await self.http.delete(self.location, headers=self.headers)

    async def connects(self, within: float = 40.0) -> None:
        """Wait until media can flow."""
        await asyncio.wait_for(self.connected.wait(), within)

    async def loses_connection(self, within: float = 60.0) -> None:
        """Wait until the other side has closed the connection."""
        await asyncio.wait_for(self.gone.wait(), within)

    async def say(self, speech: Samples) -> Said:
        """Say something to its end."""
        return await self.microphone.say(speech)

    async def close(self) -> None:
        """Close the connection, which the media server is told."""
        await self.line.close()
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)

    def _lay_line(self) -> None:
        line = self.line = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connected, gone = self.connected, self.gone = asyncio.Event(), asyncio.Event()
        self.microphone = SpokenTrack()
        line.addTransceiver(self.microphone, direction="sendrecv")

        def on_state() -> None:
            if line.connectionState == "connected":
                connected.set()
            elif line.connectionState in _OVER:
                gone.set()

        def on_track(track: MediaStreamTrack) -> None:
            self._listening.add(asyncio.create_task(self._listen(track)))

        line.on("connectionstatechange", on_state)
        line.on("track", on_track)

    async def _listen(self, track: MediaStreamTrack) -> None:
        resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, AudioFrame)
            for part in resampler.resample(frame):
                self.hear(part.to_ndarray().reshape(-1).astype(np.int16))


@asynccontextmanager
async def whip_caller(
    endpoint: str, headers: Mapping[str, str] | None = None, **query: str
) -> AsyncIterator[WhipCaller]:
    """Return a caller that has not dialled yet; its connection is closed at the end."""
    async with httpx.AsyncClient(timeout=30) as http:
        address = str(httpx.URL(endpoint, params=query)) if query else endpoint
        caller = WhipCaller(address, headers or {}, http)
        try:
            yield caller
        finally:
            await caller.close()
