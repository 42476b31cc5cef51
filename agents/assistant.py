"""Who takes a call that names nobody else? The built-in agent, made as anybody's own is made."""

from __future__ import annotations

from collections.abc import Sequence

from livekit.agents import Agent
from livekit.agents.llm import ChatContext

from sessions.history import Turn
from sessions.models import SessionConfig


def make_assistant(config: SessionConfig, history: Sequence[Turn]) -> Agent:
    """Return an agent that is what the session's prompt says."""
    return Agent(instructions=config.system_prompt, chat_ctx=chat_context(history))


def chat_context(history: Sequence[Turn]) -> ChatContext:
    """Return what was said so far as LiveKit's agents know it; for factories of your own too."""
    context = ChatContext.empty()
    for turn in history:
        if turn.role == "user" or turn.role == "assistant":
            context.add_message(
                role=turn.role,
                content=turn.text,
                interrupted=turn.interrupted,
                created_at=turn.at / 1000,
            )
    return context
