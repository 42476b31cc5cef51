"""A caller types in the room itself, as LiveKit's own clients let them: how much is taken?

As much as over HTTP: messages as long, and as many in a minute. The rest is as if never written.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import structlog
from livekit.agents import AgentSession
from livekit.agents.voice.room_io import TextInputEvent, TextInputOptions

from sessions.questions.tasks import MAX_MESSAGE_CHARACTERS

_MINUTE = 60.0

log = structlog.get_logger(__name__)


class Typed:
    """What one caller types; ``per_minute`` 0 sets no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._times = deque[float](maxlen=per_minute or 1)
        self._per_minute = per_minute
        self._clock = clock
        self._answer = TextInputOptions().text_input_cb

    async def take(self, session: AgentSession[None], event: TextInputEvent) -> None:
        """Have the agent answer a message, unless it is too long or one too many."""
        if not self.allows(event.text):
            log.warning("typed_text_ignored", characters=len(event.text))
            return
        if (answering := self._answer(session, event)) is not None:
            await answering

    def allows(self, text: str) -> bool:
        """Tell whether a message is to be answered; one that is counts."""
        if not text.strip() or len(text) > MAX_MESSAGE_CHARACTERS:
            return False
        now = self._clock()
        full = self._per_minute and len(self._times) == self._per_minute
        if full and now - self._times[0] < _MINUTE:
            return False
        self._times.append(now)
        return True
