"""What has the caller said since their last turn was over, and is this turn over too?

Audio comes in windows, each with the probability that somebody speaks in it. After a moment of
silence what was said is worth transcribing: if the caller goes on, little is lost; if not, the
text is there by the time the turn is over.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from agents.voice.pacing import Pace

WINDOW_SECONDS = 0.032

_BEGINS_AT = 0.5
_GOES_ON_AT = 0.35
"""As in the voice detection of the session, whose idea of a turn must not differ much."""

_ONSET_WINDOWS = 2
_BREATH_WINDOWS = 8
_LEAD_WINDOWS = 10
"""What came just before the first loud window: soft consonants."""

_PART_SECONDS = 24.0
"""Whisper hears 30 seconds at a time; whoever speaks longer is written down in parts."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Audio to transcribe: mono samples of 16 bits, and how much speech is in it."""

    audio: bytes
    spoken: int
    windows: int


class Utterance:
    """One turn of the caller while it is being heard."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._lead: deque[bytes] = deque(maxlen=_LEAD_WINDOWS)
        self._begin()

    def hear(self, window: bytes, probability: float) -> None:
        """Take in one window of audio."""
        if not self._is_speech(probability):
            self._onset = 0
            self._silence += 1
        elif self._spoken:
            self._spoken += 1
            self._silence = 0
        else:
            self._onset += 1
            if self._onset >= _ONSET_WINDOWS:
                self._pace.begins(_seconds(self._silence))
                self._windows.extend(self._lead)
                self._spoken = self._onset
                self._silence = 0
        self._lead.append(window)
        if self._spoken:
            self._windows.append(window)

    def excerpt(self, *, only_after_pause: bool = False) -> Excerpt | None:
        """Return what should be transcribed now, if anything; it is returned once."""
        new = self._spoken - self._asked
        after_pause = self._pace.may_be_over(_seconds(self._silence))
        long_enough = not only_after_pause and self._pace.is_worth_showing(_seconds(new))
        if not new or not (after_pause or long_enough):
            return None
        self._asked = self._spoken
        return Excerpt(b"".join(self._windows), self._spoken, len(self._windows))

    def read(self, excerpt: Excerpt, text: str) -> None:
        """Take note of what was said up to the end of an excerpt."""
        self._text = text
        self._read = excerpt.spoken

    def forget(self, excerpt: Excerpt) -> None:
        """Let go of audio whose text is settled."""
        del self._windows[: excerpt.windows]
        self._text = ""

    def drop(self) -> None:
        """Begin anew: nobody will ask what was said."""
        self._begin()

    def finish(self) -> str | None:
        """Return the text of a turn that is over and begin the next, or ``None`` before that."""
        if not self._spoken or not self.is_read:
            return None
        if not self._pace.is_over(_seconds(self._silence), self._text):
            return None
        text = self._text
        self._begin()
        return text

    @property
    def begun(self) -> bool:
        """Tell whether something has been said that is not over."""
        return bool(self._spoken)

    @property
    def is_read(self) -> bool:
        """Tell whether nothing has been said since the last text."""
        return self._read == self._spoken

    @property
    def is_long(self) -> bool:
        """Tell whether the text of what has been said so far should be settled now."""
        return _seconds(len(self._windows)) >= _PART_SECONDS

    def _begin(self) -> None:
        self._windows: list[bytes] = []
        self._onset = self._silence = 0
        self._spoken = self._asked = self._read = 0
        self._text = ""

    def _is_speech(self, probability: float) -> bool:
        in_speech = bool(self._spoken) and self._silence < _BREATH_WINDOWS
        return probability >= (_GOES_ON_AT if in_speech else _BEGINS_AT)


def _seconds(windows: int) -> float:
    return windows * WINDOW_SECONDS
