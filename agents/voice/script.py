"""What is the agent saying, which sentence of it is heard now, and what is left of it?

Whatever is spoken has been written first: by the model, or by whoever has the agent say something.
The voice notes on its audio where each sentence begins. So an agent that must stop can do so
between two sentences, and name the rest to the word.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass

import numpy as np
from livekit import rtc
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT

_KEPT = 8
"""More than are ever prepared at once for one turn."""

_NEAR_SECONDS = 0.05
_FADES_SECONDS = 0.03
_SILENT = 200
"""Of 32,768: far below the softest consonant."""


@dataclass(slots=True)
class _Written:
    """A text that is to be spoken; it is complete when no more of it comes."""

    text: str = ""
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """A text parted between two sentences."""

    said: str
    unsaid: str

    @property
    def whole(self) -> str:
        """Return the text as it was written."""
        return f"{self.said} {self.unsaid}"


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where a sentence begins, in seconds of what is played now, and since when it is quiet."""

    at: float
    quiet_from: float
    text: str


class Script:
    """The texts of one call, and how far the one that is played has got."""

    def __init__(self) -> None:
        self.position: Callable[[], float | None] = lambda: None
        """Tells how many seconds of what is played now have been heard; ``None``: nothing is."""
        self._written: deque[_Written] = deque(maxlen=_KEPT)
        self._marks: list[_Mark] = []
        self._loud_until = 0.0

    def write(self, text: str) -> None:
        """Take note of a text that will be spoken as it is."""
        self._written.append(_Written(text, complete=True))

    async def follow(self, text: AsyncIterable[str]) -> AsyncIterable[str]:
        """Pass a text on to the voice, and take note of it."""
        written = _Written()
        self._written.append(written)
        async for part in text:
            written.text += part
            yield part
        written.complete = True

    def plays(self, frame: rtc.AudioFrame, at: float) -> None:
        """Take note of the sentences that begin with a frame, ``at`` seconds of what is played."""
        if at == 0:
            self._marks.clear()
            self._loud_until = 0.0
        for text in frame.userdata.get(USERDATA_TIMED_TRANSCRIPT) or ():
            quiet_from = min(at, self._loud_until + _FADES_SECONDS)
            self._marks.append(_Mark(at, quiet_from, str(text)))
        samples = np.frombuffer(frame.data, np.int16).astype(np.int32)
        loud = np.flatnonzero(np.abs(samples) > _SILENT)
        if loud.size:
            self._loud_until = at + float(loud[-1]) / frame.sample_rate

    async def pause(self) -> Cut | None:
        """Wait for the moment between two sentences; return the text before and after it.

        ``None`` if nothing is played, or what is played has no more pauses.
        """
        while (heard := self.position()) is not None:
            ahead = [mark for mark in self._marks if mark.at > heard]
            if not ahead:
                return None
            await asyncio.sleep(max(0.0, ahead[0].quiet_from - heard))
            heard = self.position()
            # Whoever paused in between has put the moment off.
            if heard is not None and heard >= ahead[0].quiet_from - _NEAR_SECONDS:
                cut = self._cut(ahead[0])
                if cut is not None:
                    return cut
                await asyncio.sleep(ahead[0].at - heard + _NEAR_SECONDS)
        return None

    def _cut(self, mark: _Mark) -> Cut | None:
        said = "".join(one.text for one in self._marks[: self._marks.index(mark)])
        for written in reversed(self._written):
            if written.text.startswith(said) and said.strip():
                rest = written.text[len(said) :].strip()
                return Cut(said.strip(), rest) if written.complete and rest else None
        return None
