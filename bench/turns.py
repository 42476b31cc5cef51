"""How long after the end of a caller's question is the agent heard?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from itertools import chain

from bench.asking import Turn, ask, our_call, speeches, their_call
from bench.contender import Contender, agent_server
from bench.house import SLOTS, settled
from bench.measuring import Goal, Row, median, percentile
from bench.questions import QUESTIONS
from tests.fixtures.house import House
from tests.support.caller import Caller
from tests.support.speech import Samples

BLOCKS = 2
OUR_BLOCK, THEIR_BLOCK = 20, 5
OURS_AT_ONCE, THEIRS_AT_ONCE = 10, 3
VOICES = ("Ashley", "Craig", "Olivia")
HOW = (
    f"A caller asks {BLOCKS * OUR_BLOCK} questions that the sample knowledge base answers, spoken "
    f"by the house's own voice, in {BLOCKS} calls, each question when the answer to the last has "
    f"been over for a while; in turns with {BLOCKS * THEIR_BLOCK} of them to LiveKit's stock way "
    "(`bench.stock`: same models, voice, knowledge; its own turn handling). Then three callers at "
    f"once, {OURS_AT_ONCE} and {THEIRS_AT_ONCE} questions each. From the moment the question's "
    "last sample above the codec's noise is sent to the first such sample at the caller, so both "
    "ways through the media server count. A question without an answer within 8 s, and one whose "
    "caller was cut short, has no time and is counted."
)


def measure(house: House) -> list[Row]:
    """Measure one call and three at once, ours and theirs taking turns."""
    return asyncio.run(_measure(house))


async def _measure(house: House) -> list[Row]:
    one = await speeches(house, QUESTIONS, VOICES[0])
    ours: list[Turn] = []
    theirs: list[Turn] = []
    async with agent_server(house) as contender:
        await settled(contender.pid)
        for n in range(BLOCKS):
            mine = one[n * OUR_BLOCK : (n + 1) * OUR_BLOCK]
            ours += await _converse(our_call(house), mine)
            room = their_call(house, contender, f"turns-{n}")
            theirs += await _converse(room, mine[:THEIR_BLOCK])
        three = await _three(house, contender)
    return [*_rows("question -> answer", ours, theirs, 700, 1000), *three]


async def _three(house: House, contender: Contender) -> list[Row]:
    sets = [await speeches(house, QUESTIONS[n::SLOTS], VOICES[n]) for n in range(SLOTS)]
    ours = await asyncio.gather(*(_converse(our_call(house), mine[:OURS_AT_ONCE]) for mine in sets))
    theirs = await asyncio.gather(
        *(
            _converse(their_call(house, contender, f"three-{n}"), mine[:THEIRS_AT_ONCE])
            for n, mine in enumerate(sets)
        )
    )
    name = "question -> answer, three calls at once"
    return _rows(name, [*chain(*ours)], [*chain(*theirs)], 1000, 1500)


async def _converse(
    call: AbstractAsyncContextManager[Caller], questions: Sequence[Samples]
) -> list[Turn]:
    async with call as caller:
        await caller.wait_for_quiet()
        return await ask(caller, questions)


def _rows(
    name: str, ours: Sequence[Turn], theirs: Sequence[Turn], p50: float, p95: float
) -> list[Row]:
    mine, stock = _milliseconds(ours), _milliseconds(theirs)
    return [
        Row(f"{name}, p50", "ms", median(mine), "stock", median(stock), Goal(at_most=p50)),
        Row(
            f"{name}, p95",
            "ms",
            percentile(mine, 95),
            "stock",
            percentile(stock, 95),
            Goal(at_most=p95),
        ),
        Row(
            f"{name}, unanswered or cut short",
            f"of {len(ours)}",
            len(ours) - len(mine),
            f"stock, of {len(theirs)}",
            len(theirs) - len(stock),
            Goal(at_most=0),
        ),
    ]


def _milliseconds(turns: Sequence[Turn]) -> list[float]:
    return [turn.seconds * 1000 for turn in turns if turn.seconds is not None]
