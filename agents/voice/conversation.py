"""What can be asked of an agent that is talking: to listen or not, and to say something?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from livekit.agents import AgentSession
from livekit.agents.voice import SpeechHandle

from agents.voice.ears import Ears
from agents.voice.narrator import Narrator
from agents.voice.reporter import Reporter
from sessions.control import Command, Order


class Conversation:
    """A running session, as the orders from outside see it."""

    def __init__(
        self, session: AgentSession[None], narrator: Narrator, reporter: Reporter, listening: bool
    ) -> None:
        self._session = session
        self._narrator = narrator
        self._reporter = reporter
        self._ears = Ears(session.input.audio, open_=listening)
        session.input.audio = self._ears
        self._confirm()

    async def follow(self, orders: asyncio.Queue[Order]) -> None:
        """Carry orders out, one after the other, until cancelled."""
        while True:
            order = await orders.get()
            match order.command:
                case Command.LISTEN:
                    self.listen(bool(order.data["on"]))
                case Command.SAY:
                    await self.say(order.data)

    def listen(self, on: bool) -> None:
        """Open or close the ears, and confirm it."""
        if self._ears.open and not on:
            # Half a sentence that was heard before is not to be answered.
            self._session.clear_user_turn()
        self._ears.open = on
        self._confirm()

    async def say(self, data: Mapping[str, Any]) -> None:
        """Remember a question in writing and its answer, and say that if it is to be heard.

        The turns and the answer's event are written already, by whoever gives the order.
        """
        text, question = str(data["text"]), data.get("question")
        agent = self._session.current_agent
        context = agent.chat_ctx.copy()
        if question:
            context.add_message(role="user", content=str(question))
        context.add_message(role="assistant", content=text)
        await agent.update_chat_ctx(context)
        if not data.get("aloud", True):
            return
        handle = self._session.say(text, add_to_chat_ctx=False)

        def on_done(_: SpeechHandle) -> None:
            self._narrator.said(text)

        handle.add_done_callback(on_done)

    def _confirm(self) -> None:
        self._reporter.tell("listening", {"listening": self._ears.open})
