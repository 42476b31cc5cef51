"""How does a caller hold a conversation with an agent, and how is it looked at afterwards?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sessions.history import Turn, read_history
from tests.fixtures.house import House
from tests.support.caller import Caller, calling
from tests.support.eventually import eventually
from tests.support.speech import Samples, Words, spoken, understood
from tests.support.talker import Talker

C = TypeVar("C", bound=Talker)

LINE = "Hello, how can I help you?"


@dataclass
class Conversation(Generic[C]):
    """One call, from the caller's side."""

    house: House
    session_id: str
    caller: C

    async def speech(self, text: str, voice: str = "Ashley") -> Samples:
        """Return ``text`` as the caller says it."""
        return await asyncio.to_thread(spoken, self.house.settings.inference_url, text, voice)

    async def ask(self, text: str, voice: str = "Ashley") -> Words:
        """Ask something, hear the answer to its end, and return what was understood of it."""
        before = self._finals().count("caller")
        said = await self.caller.say(await self.speech(text, voice))
        began = await self.caller.hears_after(said.ended)
        # A busy machine may pause between two sentences, so a pause alone is no end.
        await asyncio.to_thread(eventually, lambda: self._answered(before), 60, "it is answered")
        ended = await self.caller.hears_silence_after(time.monotonic())
        heard = self.caller.hearing.between(began - 0.2, ended + 0.2)
        return await asyncio.to_thread(understood, self.house.settings.inference_url, heard)

    def _answered(self, before: int) -> bool:
        """Tell whether the first question after those ``before`` has been answered to the end."""
        finals = self._finals()
        asked = [at for at, speaker in enumerate(finals) if speaker == "caller"][before:]
        return bool(asked) and "agent" in finals[asked[0] :]

    def _finals(self) -> list[str]:
        return [data["speaker"] for data in self.data("transcript") if data["final"]]

    async def wait_to_hear(self, words: str, since: float = 0.0, within: float = 30.0) -> Words:
        """Wait until ``words`` have been heard; return all that was understood by then."""
        deadline = time.monotonic() + within
        while True:
            samples = self.caller.hearing.between(since)
            heard = await asyncio.to_thread(understood, self.house.settings.inference_url, samples)
            if words in heard:
                return heard
            assert time.monotonic() < deadline, f"'{words}' was not heard, but: {heard.text!r}"
            await asyncio.sleep(0.5)

    def data(self, kind: str) -> list[Mapping[str, Any]]:
        """Return what the events of one type have told so far."""
        return [e.data for e in self.house.events(self.session_id) if e.type == kind]

    def said(self, speaker: str, *, final: bool = True) -> list[str]:
        """Return what the events have told of one side."""
        told = self.data("transcript")
        return [d["text"] for d in told if (d["speaker"], d["final"]) == (speaker, final)]

    def history(self) -> list[Turn]:
        """Return the turns of the call so far."""
        return read_history(self.house.redis, self.session_id)

    async def wait_for_said(self, speaker: str, count: int, within: float = 60.0) -> list[str]:
        """Wait until one side has said ``count`` things to their end, and return all of them."""
        return await asyncio.to_thread(
            eventually,
            lambda: said if len(said := self.said(speaker)) >= count else [],
            within,
            f"the {speaker} has said {count} things",
        )

    async def end(self) -> dict[str, Any]:
        """End the call and return what is kept of it."""
        await asyncio.to_thread(self.house.end, self.session_id)
        return await asyncio.to_thread(self.house.wait_for_state, self.session_id, "ended")


@asynccontextmanager
async def conversing(house: House, **body: Any) -> AsyncIterator[Conversation[Caller]]:
    """Call, and hear the opening line begin."""
    body.setdefault("openingLine", LINE)
    started = await asyncio.to_thread(house.start, **body)
    async with calling(started, with_microphone=True) as caller:
        await caller.wait_for_speech()
        yield Conversation(house, started["sessionId"], caller)
