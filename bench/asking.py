"""How does a caller ask question after question, of our agent or of the contender's?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench.contender import CONVERSE, Contender
from bench.house import end_call, settled
from bench.rooms import token
from sessions.voices import load_voices
from tests.fixtures.house import House
from tests.support.caller import Caller, calling
from tests.support.speech import Samples, spoken

VOICE = "Ashley"
LINE = "Hello, how can I help you?"

_PATIENCE_SECONDS = 8.0
_REACTION_SECONDS = 0.3
"""What is heard so soon after a caller has begun may be the rest of what was said before."""

_BETWEEN_SECONDS = 1.2
"""A pause that is longer than any between two sentences of one answer."""


@dataclass(frozen=True)
class Turn:
    """One question: the seconds to its answer, or why there was none in its turn."""

    seconds: float | None = None
    cut_in: bool = False


async def ask(caller: Caller, questions: Sequence[Samples]) -> list[Turn]:
    """Ask one question after the other, each when the agent has finished; see ``Turn``."""
    turns: list[Turn] = []
    for speech in questions:
        said = await caller.say(speech)
        early = caller.hearing.first_after(said.began + _REACTION_SECONDS)
        try:
            first = await caller.hears_after(said.ended, _PATIENCE_SECONDS)
        except AssertionError:
            turns.append(Turn())
            continue
        cut_in = early is not None and early < said.ended
        turns.append(Turn(cut_in=True) if cut_in else Turn(first - said.ended))
        await caller.hears_silence_after(first, _BETWEEN_SECONDS)
    return turns


async def speeches(house: House, texts: Sequence[str], voice: str) -> list[Samples]:
    """Return what the caller says, made before the call, so that it costs nothing in it."""
    url = house.settings.inference_url
    return [await asyncio.to_thread(spoken, url, text, voice) for text in texts]


@asynccontextmanager
async def our_call(house: House, line: str = LINE) -> AsyncIterator[Caller]:
    """Call our agent; at the end wait until nothing is left of the call."""
    call = await asyncio.to_thread(house.start, openingLine=line, voiceId=VOICE)
    async with calling(call, with_microphone=True) as caller:
        yield caller
        await end_call(house, call["sessionId"])


@asynccontextmanager
async def their_call(
    house: House, contender: Contender, room: str, line: str = LINE
) -> AsyncIterator[Caller]:
    """Call the contender's agent, which leaves when its caller does."""
    settings = house.settings
    voice = load_voices(settings.voices_file).find(VOICE).id_for(settings.tts_provider)
    await contender.dispatch(room, json.dumps({CONVERSE: True, "voice": voice, "line": line}))
    call = {"serverUrl": settings.livekit_url, "token": token(settings, room, "caller")}
    async with calling(call, with_microphone=True) as caller:
        yield caller
    # It notices only after a while that it has a process less than it should have.
    await asyncio.sleep(0.5)
    await settled(contender.pid)
