"""What has the caller heard: when for the first time, how much of it was speech, and all of it?"""

from __future__ import annotations

import numpy as np

from orchestrator.cli.calling.sound import RATE, Samples

LOUD = 500
"""Samples above this are speech; the codec's noise is far below."""

_PAUSE_SECONDS = 0.3
"""A shorter silence belongs to the speech around it."""

_LATE_SECONDS = 0.5
"""A track that lags behind the clock by more than this has had a gap."""


class Ear:
    """Takes in the tracks of an agent. Moments are seconds since the caller joined."""

    def __init__(self, *, record: bool) -> None:
        self.first_at: float | None = None
        self.loud_at: float | None = None
        self.speech_seconds = 0.0
        self._recording = Recording() if record else None
        self._cursors: dict[str, int] = {}

    def hear(self, track: str, samples: Samples, now: float) -> None:
        """Take in what has just come on a track."""
        if self._recording is not None:
            self._recording.mix(self._place(track, samples.size, now), samples)
        # In 32 bits: the lowest 16-bit value has no positive counterpart.
        if np.abs(samples.astype(np.int32)).max(initial=0) > LOUD:
            self._note_speech(samples.size / RATE, now)

    def quiet_for(self, now: float) -> float:
        """Return for how long nothing has been heard."""
        return now - (self.loud_at or 0.0)

    def recording(self, until: float) -> Samples:
        """Return all that was heard up to a moment, silence included."""
        if self._recording is None:
            return np.zeros(0, np.int16)
        return self._recording.up_to(round(until * RATE))

    def _note_speech(self, seconds: float, now: float) -> None:
        if self.first_at is None or self.loud_at is None:
            self.first_at = now
            self.speech_seconds = seconds
        else:
            since = now - self.loud_at
            self.speech_seconds += max(since, seconds) if since < _PAUSE_SECONDS else seconds
        self.loud_at = now

    def _place(self, track: str, size: int, now: float) -> int:
        """Return where samples belong: after the last ones of their track, gaps kept."""
        clock = max(0, round(now * RATE) - size)
        cursor = self._cursors.get(track, clock)
        if clock - cursor > _LATE_SECONDS * RATE:
            cursor = clock
        self._cursors[track] = cursor + size
        return cursor


class Recording:
    """A mono recording that grows as it is written to."""

    def __init__(self) -> None:
        self._samples = np.zeros(60 * RATE, np.int16)
        self._end = 0

    def mix(self, at: int, samples: Samples) -> None:
        """Add samples to what is there already; one agent may take over from another."""
        end = at + samples.size
        if end > self._samples.size:
            more = max(end - self._samples.size, self._samples.size)
            self._samples = np.concatenate([self._samples, np.zeros(more, np.int16)])
        total = self._samples[at:end].astype(np.int32) + samples
        self._samples[at:end] = np.clip(total, -32768, 32767)
        self._end = max(self._end, end)

    def up_to(self, length: int) -> Samples:
        """Return ``length`` samples of the recording, with silence where it has ended before."""
        padding = np.zeros(max(0, length - self._end), np.int16)
        return np.concatenate([self._samples[: min(self._end, length)], padding])
