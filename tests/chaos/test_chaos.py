"""Forty callers call while everything dies at random: nothing is lost, doubled or left over."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.chaos.driver import drive, fresh_house
from tests.chaos.report import Run, table

CALLS = int(os.environ.get("CALLS", "40"))
SEED = int(os.environ.get("SEED", "7"))


@pytest.mark.timeout(900)
def test_calls_when_everything_dies_at_random_then_nothing_is_lost_doubled_or_left(
    tmp_path: Path,
) -> None:
    async def run() -> Run:
        house = fresh_house(tmp_path, SEED)
        async with house.open():
            return await drive(house, SEED, CALLS, print)

    over = asyncio.run(run())
    print(table(over))
    assert over.faults
    told = [str(failure) for failure in over.failures]
    again = f"make chaos CALLS={CALLS} SEED={SEED} (logs: {tmp_path}/logs)"
    assert not told, "\n".join([*told, f"Replay with: {again}"])
