"""An agent whose event loop stands still, or that has no memory, ends its process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from agents.voice.pulse import Pulse


def test_loop_when_it_stands_still_then_the_thread_beside_it_ends_the_process() -> None:
    ended: list[tuple[float, str]] = []

    async def call() -> float:
        pulse = Pulse(0.5, lambda why: ended.append((time.monotonic(), why)))
        beating = asyncio.create_task(pulse.beat())
        await asyncio.sleep(0.3)
        time.sleep(1.2)  # noqa: ASYNC251 - as the tool of an agent might
        woken = time.monotonic()
        await asyncio.sleep(0)
        beating.cancel()
        return woken

    woken = asyncio.run(call())
    [(at, why)] = ended
    assert at < woken
    assert "stood still" in why


def test_loop_when_it_goes_on_then_nothing_happens_and_the_thread_ends_with_the_call() -> None:
    ended: list[str] = []

    async def call() -> Pulse:
        pulse = Pulse(5, ended.append)
        beating = asyncio.create_task(pulse.beat())
        await asyncio.sleep(0.6)
        beating.cancel()
        return pulse

    pulse = asyncio.run(call())
    pulse._thread.join(5)
    assert not pulse._thread.is_alive()
    assert not ended


ONE_THAT_PRINTS = """
import asyncio, ctypes, threading
from agents.voice.pulse import Pulse, die_without_memory, on_loop_error

def fail(error):
    raise error

async def fail_later(error):
    raise error

async def call():
    die_without_memory()
    asyncio.get_running_loop().set_exception_handler(on_loop_error)
    pulse = asyncio.create_task(Pulse(1.0).beat())
    print("ready", flush=True)
    {what}
    while True:
        print("sound", flush=True)
        await asyncio.sleep(0.05)

asyncio.run(call())
"""

PLACES = [
    "asyncio.create_task(fail_later({error}))",
    "threading.Thread(target=fail, args=[{error}]).start()",
    "ctypes.CFUNCTYPE(None)(lambda: fail({error}))()",
]


def start(what: str) -> subprocess.Popen[bytes]:
    program = ONE_THAT_PRINTS.format(what=what)
    return subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def test_process_when_frozen_for_longer_than_a_lease_then_wakes_up_to_end_without_a_sound() -> None:
    with start("pass") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(1.3)
        os.set_blocking(process.stdout.fileno(), False)
        process.stdout.read()
        os.kill(process.pid, signal.SIGCONT)
        assert process.wait(10) == 70
        heard = process.stdout.read() or b""
    assert heard.count(b"sound") <= 1


@pytest.mark.parametrize("place", PLACES)
def test_memory_when_it_runs_out_where_nobody_catches_that_then_the_process_ends(
    place: str,
) -> None:
    with start(place.format(error="MemoryError()")) as process:
        assert process.wait(10) == 70


def test_error_when_it_is_another_then_the_process_goes_on() -> None:
    with start("; ".join(place.format(error="ValueError()") for place in PLACES)) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
        process.kill()
    assert lines[1:] == [b"sound\n"] * 4
