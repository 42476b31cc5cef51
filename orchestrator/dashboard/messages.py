"""What does the operator stream say? Every message of ``GET /dashboard/events``, and its words.

A message is one server-sent event: ``event:`` is its name, ``data:`` one JSON object. ``hello``
begins anew: whoever reads it forgets all that came before it, trouble too. Then come ``house``,
``charts`` (see ``house_messages.py``), ``ended`` and all ``rows``, and from then on what changes.
Moments are Unix milliseconds of the house's own clock. What was said is here; prompts, opening
lines that have not been spoken, tokens and keys never are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from orchestrator.http.answers import Answer
from sessions.states import Channel, Fault, Reason, State


class Message(Answer):
    """The base of all messages."""

    event: ClassVar[str]
    """The name in the stream's ``event:`` line."""


class Hello(Message):
    """A picture of the whole house follows; it also comes again after Redis was away."""

    event: ClassVar[str] = "hello"

    now: int = Field(description="The house's clock; count durations from it, not from your own.")
    mode: str
    version: str
    live: int = Field(description="How many rows the picture has.")


class Words(Answer):
    """What was said last."""

    speaker: Literal["caller", "agent"]
    text: str = Field(description="At most 200 characters of it, the last ones.")
    final: bool = Field(description="False while the sentence still grows or may change.")


class Row(Answer):
    """A live session. A row replaces what was known of the same session."""

    id: str
    user: str
    channel: Channel
    state: State
    voice: str | None
    worker: str | None = Field(description="Whose process runs the agent.")
    generation: int
    recoveries: int
    cause: str | None = Field(
        description="Why the present agent has replaced another, or is about to."
    )
    accepted_at: int = Field(description="The session's duration counts from here.")
    ready_at: int | None = Field(description="When its first agent could talk.")
    recovering_since: int | None = Field(description="Null unless the state is `recovering`.")
    position: int | None = Field(description="The place it was last told in the queue, from 1.")
    agent_state: Literal["listening", "thinking", "speaking"] | None
    last_words: Words | None
    scope: str = Field(description="The id of the API key that started it.")
    key: str = Field(description="That key's name, or the scope where it has none.")


class Rows(Message):
    """Sessions that are new or have changed."""

    event: ClassVar[str] = "rows"

    rows: Sequence[Row]
    complete: bool = Field(
        description="False in the parts of a picture but its last; always true after it."
    )


class Gone(Message):
    """Sessions that do not live any more; take their rows away."""

    event: ClassVar[str] = "gone"

    ids: Sequence[str]


class EndedSession(Answer):
    """A session that has ended."""

    id: str
    user: str
    channel: Channel
    reason: Reason
    fault: Fault
    detail: str | None
    recoveries: int
    accepted_at: int
    ended_at: int
    duration_ms: int
    scope: str
    key: str


class Ended(Message):
    """Sessions that have just ended, the last one first; in a picture the last fifty."""

    event: ClassVar[str] = "ended"

    sessions: Sequence[EndedSession]


class Trouble(Message):
    """Something is away: what is shown is old until it is back. An empty ``detail`` says it is."""

    event: ClassVar[str] = "trouble"

    what: Literal["redis", "database"]
    detail: str = Field(description="What is the matter and what to do; empty: it is over.")
