"""What does a caller say, and what did they hear? The model server speaks and listens for them."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.fuzz import partial_ratio

from tests.support import loopback

RATE = 24_000
LOUD = 500
"""Samples above this are speech; the codec's noise floor is far below."""

Samples = NDArray[np.int16]

_TIMEOUT_SECONDS = 60.0
_ALIKE = 80.0
"""Of a hundred: one letter of five may be another."""


@dataclass(frozen=True)
class Words:
    """What was said, as ears understood it, which may take a letter or two for others."""

    text: str

    def __contains__(self, words: str) -> bool:
        """Tell whether ``words``, small and without punctuation, were said, or sound like it."""
        said = plain(self.text)
        return len(words) <= len(said) and partial_ratio(words, said) >= _ALIKE


@cache
def spoken(inference_url: str, text: str, voice: str = "Ashley") -> Samples:
    """Return ``text`` as speech at 24 kHz, without the silence around it."""
    body = {"model": "tts-1", "voice": voice, "input": text, "response_format": "pcm"}
    answer = loopback.post(f"{inference_url}/audio/speech", json=body, timeout=_TIMEOUT_SECONDS)
    assert answer.status_code == 200, answer.text
    return audible(np.frombuffer(answer.content, np.int16))


def understood(inference_url: str, samples: Samples) -> Words:
    """Return what was said in ``samples``."""
    answer = loopback.post(
        f"{inference_url}/audio/transcriptions",
        files={"file": ("heard.wav", wav_of(samples), "audio/wav")},
        data={"model": "whisper-1", "language": "en"},
        timeout=_TIMEOUT_SECONDS,
    )
    assert answer.status_code == 200, answer.text
    return Words(answer.json()["text"])


def plain(text: str) -> str:
    """Return ``text`` in small letters, words only."""
    kept = (c if c.isalnum() or c == "'" else " " for c in text.lower())
    return " ".join("".join(kept).split())


def audible(samples: Samples) -> Samples:
    """Return ``samples`` from the first loud one to the last."""
    loud = np.flatnonzero(is_loud(samples))
    return samples[loud[0] : loud[-1] + 1] if loud.size else samples[:0]


def is_loud(samples: Samples) -> NDArray[np.bool_]:
    """Tell which samples are loud."""
    # In 32 bits: the lowest 16-bit value has no positive counterpart.
    return np.abs(samples.astype(np.int32)) > LOUD


def wav_of(samples: Samples) -> bytes:
    """Return ``samples`` as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE)
        writer.writeframes(samples.tobytes())
    return file.getvalue()
