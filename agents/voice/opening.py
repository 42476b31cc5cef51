"""What does an agent do first? It says its line, and answers whom the one before left waiting."""

from __future__ import annotations

from livekit.agents import AgentSession, ConversationItemAddedEvent, tts
from livekit.agents.llm import ChatContext, ChatMessage
from livekit.agents.voice import SpeechHandle

from agents.voice.briefing import Briefing
from agents.voice.narrator import Narrator
from agents.voice.resuming import is_asked_again
from agents.voice.script import Script
from agents.voice.speech import Prefetched


class Opening:
    """The first moments of one agent; its line is synthesised before anybody is there."""

    def __init__(self, briefing: Briefing, synthesis: tts.TTS, script: Script) -> None:
        self._briefing = briefing
        self._script = script
        line = briefing.first_line
        self._line = Prefetched(synthesis, line) if line else None
        self._speech: SpeechHandle | None = None

    def begin(self, session: AgentSession[None], narrator: Narrator) -> None:
        """Begin to say what there is to say first."""
        if self._line is not None:
            self._script.write(self._line.text)
            self._speech = session.say(self._line.text, audio=self._line.frames())
            if self._briefing.resumed:
                narrator.resumes_with(self._speech)
        if (question := self._briefing.unanswered) is not None:
            context = _up_to(session.current_agent.chat_ctx, question.text)
            _unless_asked_again(session, question.text, session.generate_reply(chat_ctx=context))

    async def failure(self) -> Exception | None:
        """Wait for the end of the line; return why it could not be said, if so."""
        if self._line is None or self._speech is None:
            return None
        await self._speech
        return self._line.error

    async def aclose(self) -> None:
        """Stop synthesising."""
        if self._line is not None:
            await self._line.aclose()


def _unless_asked_again(session: AgentSession[None], question: str, reply: SpeechHandle) -> None:
    """Drop a reply to a caller who does not wait for it and asks again: they get one for that."""

    def on_item(event: ConversationItemAddedEvent) -> None:
        item = event.item
        said = item.text_content if isinstance(item, ChatMessage) and item.role == "user" else None
        if said and not reply.done() and is_asked_again(question, said):
            reply.interrupt(force=True)

    session.on("conversation_item_added", on_item)
    reply.add_done_callback(lambda _: session.off("conversation_item_added", on_item))


def _up_to(context: ChatContext, question: str) -> ChatContext:
    """Return what was said up to a question of the caller, which comes last."""
    before = context.copy()
    for n, item in reversed(list(enumerate(before.items))):
        if isinstance(item, ChatMessage) and item.role == "user" and item.text_content == question:
            before.items = before.items[: n + 1]
            return before
    # An agent of somebody's own may have been made without the history.
    before.add_message(role="user", content=question)
    return before
