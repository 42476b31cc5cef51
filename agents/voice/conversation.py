"""What can be asked of an agent that is talking: to listen or not, and to say something?"""

from __future__ import annotations

import asyncio
from collections.abc import Set as AbstractSet

from livekit.agents import AgentSession

from agents.voice.ears import Ears
from agents.voice.narrator import Narrator
from agents.voice.reporter import Reporter
from sessions.control import Command, Order


class Conversation:
    """A running session, as the orders from outside see it.

    ``known`` are the questions in writing that the agent has been told of when it came.
    """

    def __init__(
        self,
        session: AgentSession[None],
        narrator: Narrator,
        reporter: Reporter,
        listening: bool,
        known: AbstractSet[str],
    ) -> None:
        self.may_speak = asyncio.Event()
        """Set when the agent has begun; nobody else's words come before its first."""
        self.hand_over = asyncio.Event()
        """Set when somebody stands by to take the call over."""
        self._session = session
        self._narrator = narrator
        self._reporter = reporter
        self._known = known
        self._aloud: asyncio.Queue[Order] = asyncio.Queue()
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
                case Command.HAND_OVER:
                    self.hand_over.set()
                case Command.SAY:
                    await self._remember(order)
                    if order.data.get("aloud", True):
                        self._aloud.put_nowait(order)

    async def speak(self) -> None:
        """Say what is ordered to be heard, as soon as the agent may speak, until cancelled."""
        await self.may_speak.wait()
        while True:
            order = await self._aloud.get()
            text = str(order.data["text"])
            speech = self._session.say(text, add_to_chat_ctx=False)
            self._narrator.says_for(order, text, speech)

    def be_deaf(self) -> None:
        """Hear nothing more, and tell nobody: the call is another agent's."""
        self._session.clear_user_turn()
        self._ears.open = False

    def listen(self, on: bool) -> None:
        """Open or close the ears, and confirm it."""
        if self._ears.open and not on:
            # Half a sentence that was heard before is not to be answered.
            self._session.clear_user_turn()
        self._ears.open = on
        self._confirm()

    async def _remember(self, order: Order) -> None:
        """Remember a question in writing and its answer.

        The turns and the answer's event are written already, by whoever gives the order.
        """
        if order.data.get("correlation_id") in self._known:
            return
        agent = self._session.current_agent
        context = agent.chat_ctx.copy()
        if question := order.data.get("question"):
            context.add_message(role="user", content=str(question))
        context.add_message(role="assistant", content=str(order.data["text"]))
        await agent.update_chat_ctx(context)

    def _confirm(self) -> None:
        self._reporter.tell("listening", {"listening": self._ears.open})
