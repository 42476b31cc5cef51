"""How long does a caller by WHIP wait for the answer to its offer, and for its agent's voice?"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass

from bench.house import end_call
from bench.measuring import Goal, Row, median, percentile
from bench.rooms import BARE_IDENTITY, BARE_TRACK, Bare, bare, token, until_published
from tests.fixtures.house import House
from tests.support.whip import whip_caller

ROUNDS = 30
_STAY_SECONDS = 3.0
HOW = (
    f"{ROUNDS} rounds, a bare agent and a call taking turns; both callers are aiortc's, with an "
    "offer and all its candidates made before. The bare agent is a participant that connects and "
    "publishes a track in a process that has done so before, as LiveKit's SDK does by itself: on a "
    "connection for both ways (our agent has two, and its voice is there sooner). From just before "
    "its `connect` to `track_published` at an observer in the room, plus the time that "
    "livekit-server's own "
    "`/whip/v1` then takes to answer with that track. An offer posted sooner is answered after up "
    "to 3 s, when livekit-server looks again. Ours: from just before `POST /whip` to the `201`, "
    "and to the first sample above the codec's noise."
)
MISSED = (
    "our agent connects in a process made for it, which pays once for what one that connects again "
    "and again has already; `joining` shows how much."
)


@dataclass(frozen=True)
class _Floor:
    """How long a bare agent took until it was there, and livekit-server to answer, in ms."""

    there: float
    answered: float


@dataclass(frozen=True)
class _Call:
    """How long a caller waited for the answer, and for the agent's voice, in ms."""

    answered: float
    heard: float


def measure(house: House) -> list[Row]:
    """Measure calls and bare agents, taking turns."""
    return asyncio.run(_measure(house))


async def _measure(house: House) -> list[Row]:
    floors: list[_Floor] = []
    calls: list[_Call] = []
    async with bare(house.settings, "again") as again:
        for n in range(-1, ROUNDS):
            floor, call = await _floor(house, again), await _call(house)
            if n >= 0:
                floors.append(floor)
                calls.append(call)
    least = [one.there + one.answered for one in floors]
    answered = [one.answered for one in calls]
    heard = [one.heard for one in calls]
    name, theirs = "POST /whip -> 201", "bare agent and /whip/v1"
    return [
        Row(f"{name}, p50", "ms", median(answered), theirs, median(least), Goal(ratio_at_most=1.3)),
        Row(f"{name}, p95", "ms", percentile(answered, 95), theirs, percentile(least, 95)),
        Row("/whip/v1 alone, p50", "ms", median([one.answered for one in floors])),
        Row("POST /whip -> first audio, p50", "ms", median(heard), goal=Goal(at_most=1000)),
        Row("POST /whip -> first audio, p95", "ms", percentile(heard, 95)),
    ]


async def _floor(house: House, agent: Bare) -> _Floor:
    """Have a bare agent join, and livekit-server answer an offer with its track."""
    room = agent.new_room()
    base = house.settings.livekit_url.replace("ws", "http", 1)
    headers = {
        "Authorization": f"Bearer {token(house.settings, room, 'caller')}",
        "X-LiveKit-ClientInfo": json.dumps(
            {"subscribedParticipantTrackNames": {BARE_IDENTITY: [BARE_TRACK]}}
        ),
    }
    async with whip_caller(f"{base}/whip/v1", headers) as caller:
        offer = await caller.offer()
        there = await until_published(
            house.settings, room, lambda: agent.publish(room, stay=_STAY_SECONDS)
        )
        began = time.monotonic()
        answer = await caller.post(offer)
        took = (time.monotonic() - began) * 1000
        if answer.status_code != 201:
            raise RuntimeError(f"livekit-server answered {answer.status_code}: {answer.text}")
        await caller.take(answer)
        await caller.hang_up()
    return _Floor(there, took)


async def _call(house: House) -> _Call:
    """Call by WHIP until the agent is heard."""
    async with whip_caller(f"{house.url}/whip", userName="Ann") as caller:
        offer = await caller.offer()
        began = time.monotonic()
        answer = await caller.post(offer)
        answered = time.monotonic()
        if answer.status_code != 201:
            raise RuntimeError(f"The house answered {answer.status_code}: {answer.text}")
        await caller.take(answer)
        await caller.wait_for_speech()
        heard = caller.hearing.loud[0]
    await end_call(house, caller.session_id)
    return _Call((answered - began) * 1000, (heard - began) * 1000)
