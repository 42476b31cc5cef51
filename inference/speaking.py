"""How does a text become speech, in whichever voice, as early as possible?

One model serves all threads: onnxruntime sessions may be run concurrently, and hibari's way from
text to phonemes only reads. What is computed goes through `Turns`, piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import soxr
from hibari import Hibari

from inference.phrases import phrases
from inference.turns import Turns
from inference.vocoder import Floats, Spectra, Vocoder
from inference.voices import Voice

SAMPLE_RATE: Final = 24_000
SAMPLE_BYTES: Final = 2

_SILENCE_SECONDS = 0.25  # The answer to a text in which nothing can be said.
_AUDIBLE = 0.003  # -50 dB of full scale; speech peaks near -10 dB.
_LEAD_SECONDS = 0.04  # What is kept of the 0.3 s of silence that hibari begins with.
_NOTHING: Floats = np.zeros(0, np.float32)
# Covers what is loaded at first use: an unknown word, a number, an abbreviation.
_WARM_UP = "Dr. Zworblin has 42 switchboards."


@dataclass(frozen=True)
class Utterance:
    """What is to be said, and how; ``speed`` is a multiple of the voice's own tempo."""

    text: str
    voice: Voice
    speed: float = 1.0


class Speaker:
    """The speaking engine; `load` it once before the first request."""

    def __init__(self, turns: Turns, model_threads: int) -> None:
        self._turns = turns
        self._model_threads = model_threads
        self._model: Hibari | None = None

    @property
    def loaded(self) -> bool:
        """Tell whether `speak` may be called."""
        return self._model is not None

    def load(self) -> None:
        """Read the model and say something with it: about a second."""
        model = Hibari(threads=self._model_threads)
        model(_WARM_UP)
        self._model = model

    def speak(self, utterance: Utterance) -> Iterator[bytes]:
        """Yield 24 kHz mono s16le as soon as it exists; never nothing at all.

        The first step raises `BusyError` when too many are waiting. Between steps no place is held,
        so that the iterator may be left at any point.
        """
        if self._model is None:
            raise RuntimeError("The speaking model is not loaded: call load() first.")
        steps = _pcm(self._model, utterance)
        first = True
        while (block := self._turns.take(partial(next, steps, None), first=first)) is not None:
            first = False
            if block:
                yield block


def _pcm(model: Hibari, utterance: Utterance) -> Iterator[bytes]:
    """Yield after each piece of work, nothing (b"") where it has not led to audio yet."""
    resonance = utterance.voice.resonance
    stream = soxr.ResampleStream(SAMPLE_RATE * resonance, SAMPLE_RATE, 1, dtype="float32")
    audible = False
    for block in _waves(model, utterance):
        wave = block if audible else _from_onset(block)
        audible = audible or len(wave) > 0
        yield _s16le(stream.resample_chunk(wave))
    if audible:
        yield _s16le(stream.resample_chunk(_NOTHING, last=True))
    else:
        yield bytes(int(SAMPLE_RATE * _SILENCE_SECONDS) * SAMPLE_BYTES)


def _waves(model: Hibari, utterance: Utterance) -> Iterator[Floats]:
    """Yield the wave before it is resampled, nothing (length 0) after each run of the network.

    Resampling moves pitch, formants and pace together; here the last is set right beforehand by the
    network, and what the voice's pitch still lacks by the vocoder.
    """
    voice = utterance.voice
    speed = utterance.speed * voice.tempo / voice.resonance
    random = np.random.default_rng()
    for phonemes in phrases(model, utterance.text, speed):
        inputs = {
            "ids": np.asarray([model.ids(phonemes)], np.int64),
            "speed": np.asarray([speed], np.float32),
        }
        spectra = Spectra(*(np.asarray(output)[0] for output in model.sess.run(None, inputs)))
        vocoder = Vocoder(spectra, voice.pitch / voice.resonance, random)
        yield _NOTHING
        yield from vocoder.blocks()


def _from_onset(wave: Floats) -> Floats:
    """Return ``wave`` from just before its first audible sample; nothing where there is none."""
    audible = np.flatnonzero(np.abs(wave) > _AUDIBLE)
    if len(audible) == 0:
        return _NOTHING
    return wave[max(0, int(audible[0]) - int(SAMPLE_RATE * _LEAD_SECONDS)) :]


def _s16le(wave: Floats) -> bytes:
    return (np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes()
