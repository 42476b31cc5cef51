"""What agents might somebody bring along? Some that work, and some that do not."""

from __future__ import annotations

import asyncio
import ctypes
import time
from collections.abc import Sequence
from pathlib import Path

from livekit.agents import Agent

from agents.assistant import chat_context, make_assistant
from sessions.history import Turn
from sessions.models import SessionConfig

PREFIX = f"{__name__}:"


class Greeter(Agent):
    """Says by itself what it was told of the call, once it is there."""

    async def on_enter(self) -> None:
        assert self.session.room_io.room.name.startswith("session_")
        said = [message for message in self.chat_ctx.messages() if message.role != "system"]
        self.session.say(f"{self.instructions} {len(said)} sentences were said before.")


async def make_greeter(config: SessionConfig, history: Sequence[Turn]) -> Agent:
    return Greeter(
        instructions=f"I greet {config.metadata['guest']}.", chat_ctx=chat_context(history)
    )


def raise_error(config: SessionConfig, history: Sequence[Turn]) -> Agent:
    raise ValueError("the password of the shop")


def make_nothing(config: SessionConfig, history: Sequence[Turn]) -> None:
    return None


async def _sleep() -> None:
    time.sleep(60)  # noqa: ASYNC251


async def _run_out_of_memory() -> None:
    bytearray(1 << 60)


async def _crash() -> None:
    ctypes.string_at(0)


DOOMS = {"sleep": _sleep, "memory": _run_out_of_memory, "segfault": _crash}


async def make_doomed(config: SessionConfig, history: Sequence[Turn]) -> Agent:
    """Make an assistant to which happens what a file says as soon as there is that file."""
    loop = asyncio.get_running_loop()
    waiting = loop.create_task(_meet_its_doom(Path(config.metadata["doom"])))
    waiting.add_done_callback(lambda _: None)
    return make_assistant(config, history)


async def _meet_its_doom(file: Path) -> None:
    while not (doom := _read_once(file)):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    await DOOMS[doom]()


def _read_once(file: Path) -> str:
    if not file.exists():
        return ""
    doom = file.read_text()
    file.unlink()
    return doom
