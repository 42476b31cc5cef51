"""``python -m tests.chaos --calls 1000 [--seed 7] [--save docs/reliability.md]``."""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.driver import AT_ONCE, drive, fresh_house
from tests.chaos.report import Run, save, table


def main() -> None:
    """Run as the command line says; exits with 1 if a promise was not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--calls", type=int, default=100, help="how many callers call")
    parser.add_argument("--seed", type=int, help="replay this run")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="how many of them at once")
    parser.add_argument("--save", type=Path, help="write the table into this document")
    given = parser.parse_args()
    # The commands of the house are those of the environment that runs this.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    seed = random.randrange(1_000_000) if given.seed is None else given.seed
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    print(f"seed {seed}, logs in {folder}/logs", flush=True)
    run = asyncio.run(_run(folder, seed, given.calls, given.at_once))
    print(table(run))
    for failure in run.failures:
        print(failure)
    if given.save:
        save(run, given.save)
    if run.failures:
        sys.exit(f"Replay with: make chaos CALLS={given.calls} SEED={seed} (logs: {folder}/logs)")


async def _run(folder: Path, seed: int, calls: int, at_once: int) -> Run:
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {line}", flush=True)

    task = asyncio.current_task()
    assert task is not None
    # So that the house goes with us, however we are told to go.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    house = fresh_house(folder, seed, at_once)
    async with house.open():
        tell("The house is open")
        run = await drive(house, seed, calls, tell, at_once)
    if not run.failures:
        house.remove()
    return run


if __name__ == "__main__":
    main()
