"""How soon does an agent fall silent when its caller begins to speak?"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

from bench.asking import our_call, speeches, their_call
from bench.contender import agent_server
from bench.house import settled
from bench.measuring import Goal, Row, median, percentile
from tests.fixtures.house import House
from tests.support.caller import Caller
from tests.support.speech import Samples

ROUNDS = 12
SOONEST_SECONDS = 1.5
STEP_SECONDS = 0.12
HOW = (
    f"{ROUNDS} calls each, taking turns with LiveKit's stock way (`bench.stock`). The opening line "
    "is long and without a pause; some time into it, each time a little later, the caller begins a "
    "sentence. From the moment its first sample above the codec's noise is sent to the last such "
    "sample of the agent at the caller, so both ways through the media server count."
)

_LINE = (
    "Welcome to our front desk where you can ask me about rooms and breakfast and parking and "
    "trains and museums and markets and concerts and gardens and harbours and everything else "
    "that a visitor of our town could ever want to know about on a long and sunny summer day"
)
_INTERRUPTION = "Excuse me, I have a question about something else."
_PAUSE_SECONDS = 0.7


def measure(house: House) -> list[Row]:
    """Measure both, taking turns."""
    return asyncio.run(_measure(house))


async def _measure(house: House) -> list[Row]:
    [speech] = await speeches(house, [_INTERRUPTION], "Craig")
    ours: list[float] = []
    theirs: list[float] = []
    async with agent_server(house) as contender:
        await settled(contender.pid)
        for n in range(ROUNDS):
            after = SOONEST_SECONDS + n * STEP_SECONDS
            ours.append(await _interrupt(our_call(house, _LINE), speech, after))
            call = their_call(house, contender, f"barge-in-{n}", _LINE)
            theirs.append(await _interrupt(call, speech, after))
    name = "caller speaks -> agent silent"
    return [
        Row(f"{name}, p50", "ms", median(ours), "stock", median(theirs), Goal(at_most=300)),
        Row(f"{name}, p95", "ms", percentile(ours, 95), "stock", percentile(theirs, 95)),
    ]


async def _interrupt(
    call: AbstractAsyncContextManager[Caller], speech: Samples, after: float
) -> float:
    """Interrupt the agent; return the milliseconds until it was silent."""
    async with call as caller:
        await caller.wait_for_speech()
        await asyncio.sleep(after)
        said = await caller.say(speech)
        silent = await caller.hears_silence_after(said.began, _PAUSE_SECONDS)
    return (silent - said.began) * 1000
