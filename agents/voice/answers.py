"""How does what belongs to an answer travel with its words through the session?

A preemptive answer may never be said. So nothing is told of an answer before it has been: its
sources and the like wait as a note on the message that holds its words.
"""

from __future__ import annotations

from typing import Any

from livekit.agents.llm import ChatMessage

from agents.knowledge.answering import Answer

_NOTE = "switchboard"


def noted(answer: Answer) -> dict[str, Any]:
    """Return what is noted on a message that says ``answer``."""
    return {
        _NOTE: {
            "sources": list(answer.sources),
            "requires_human_handoff": answer.requires_human_handoff,
            "suggested_actions": list(answer.suggested_actions),
        }
    }


def response_event(message: ChatMessage) -> dict[str, Any] | None:
    """Return the data of the ``agent_response`` that a message is, if it is an answer."""
    note = message.extra.get(_NOTE)
    return None if note is None else {"response": message.text_content, **note}
