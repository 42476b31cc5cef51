"""What agents might somebody bring along? Some that work, and some that do not."""

from __future__ import annotations

from collections.abc import Sequence

from livekit.agents import Agent

from agents.assistant import chat_context
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
