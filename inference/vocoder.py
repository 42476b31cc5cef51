"""How do the network's spectra become a wave, block by block and at another pitch?

hibari predicts, every 12.5 ms, a filter for the harmonics of the voice, a noise, and F0. Its own
`hibari.dsp.synth` turns a whole sentence into a wave at once. Here the same sum is made in blocks,
so that the first of them can be heard while the others are computed; and F0 may be moved alone,
which makes a higher or lower voice without making the throat smaller or larger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from hibari import dsp
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Complexes = NDArray[np.complex64]

BLOCK_FRAMES = 40  # Half a second of audio, 2 ms of work.
_BIN_HZ = dsp.SR / dsp.N_FFT
_BINS = dsp.N_FFT // 2 + 1
_OVERLAP = dsp.N_FFT // dsp.HOP - 1  # Hops that a frame reaches into those after its first.
_SKIPPED = dsp.N_FFT // 2 // dsp.HOP  # Frames are centred, so the first hops lie before time 0.
_LOWEST_HZ = 60.0
_WINDOW_POWER = (dsp.WIN * dsp.WIN).reshape(_OVERLAP + 1, dsp.HOP)


@dataclass(frozen=True)
class Spectra:
    """What the network says of a sentence: five arrays (bins, frames), and F0 (frames,) in Hz."""

    harmonics: Floats
    phase: Floats
    noise: Floats
    rest: Floats
    rest_phase: Floats
    f0: Floats

    @property
    def frames(self) -> int:
        """Return how many steps of 12.5 ms the sentence has."""
        return self.f0.shape[0]


class Vocoder:
    """The wave of one sentence, 24 kHz, its pitch multiplied by ``pitch``."""

    def __init__(self, spectra: Spectra, pitch: float, random: np.random.Generator) -> None:
        self._spectra = spectra
        self._pitch = pitch
        self._random = random
        pulses = np.pad(dsp.pulses(spectra.f0 * np.float32(pitch)), dsp.N_FFT // 2, mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(pulses, dsp.N_FFT)
        self._windows = windows[:: dsp.HOP][: spectra.frames]

    def blocks(self) -> Iterator[Floats]:
        """Yield float32 waves that follow each other without a seam, ``frames * HOP`` samples."""
        wave = np.zeros((_OVERLAP, dsp.HOP), np.float32)
        weight = np.zeros_like(wave)
        skip = _SKIPPED
        for start in range(0, self._spectra.frames, BLOCK_FRAMES):
            frames = self._frames(slice(start, start + BLOCK_FRAMES))
            wave, weight = _overlap_add(frames, wave, weight)
            count = len(frames)
            yield _finished(wave, weight, skip, count)
            wave, weight, skip = wave[count:], weight[count:], max(skip - count, 0)
        yield _finished(wave, weight, skip, _SKIPPED)

    def _frames(self, span: slice) -> Floats:
        """Return the windowed frames of ``span``, shape (frames, N_FFT)."""
        spectra = self._spectra
        spectrum: Complexes = dsp.rfft(self._windows[span] * dsp.WIN_SRC, 1)
        spectrum *= self._filter(span)
        rows = spectrum.shape[0]
        noise = self._random.standard_normal((rows, 2 * _BINS), dtype=np.float32)
        spectrum += noise.view(np.complex64) * dsp.ex(spectra.noise[:, span].T)
        spectrum += _polar(dsp.ex(spectra.rest[:, span].T), spectra.rest_phase[:, span].T)
        frames: Floats = dsp.irfft(spectrum, dsp.N_FFT, 1)
        frames *= dsp.WIN
        return frames

    def _filter(self, span: slice) -> Complexes:
        """Return what shapes the pulses into a vowel, shape (frames, bins).

        The network's filter is right only at the harmonics it was made for: between them it was
        never heard. For another pitch it is therefore read there, and joined by straight lines.
        """
        levels, phases = self._spectra.harmonics[:, span].T, self._spectra.phase[:, span].T
        if self._pitch != 1:
            below, above, share = _harmonics_around(self._spectra.f0[span])
            at_below = np.take_along_axis(levels, below, 1)
            levels = at_below + share * (np.take_along_axis(levels, above, 1) - at_below)
            phases = np.take_along_axis(phases, np.where(share < 0.5, below, above), 1)
        # Pulses that come more often carry more power.
        gain = np.float32(np.sqrt(self._pitch))
        return _polar(gain * dsp.ex(levels), np.float32(np.pi) * np.tanh(phases))


def _harmonics_around(f0: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Return, per frame and bin, the bins of the harmonics around it, and where between them."""
    spacing = np.maximum(f0, np.float32(_LOWEST_HZ))[:, None] / np.float32(_BIN_HZ)
    place = np.maximum(np.arange(_BINS, dtype=np.float32) / spacing, 1)
    number = np.floor(place)
    below = np.rint(number * spacing).astype(np.intp)
    above = np.rint((number + 1) * spacing).astype(np.intp)
    return np.minimum(below, _BINS - 1), np.minimum(above, _BINS - 1), place - number


def _polar(size: Floats, angle: Floats) -> Complexes:
    turned = np.empty(size.shape, np.complex64)
    turned.real = size * np.cos(angle)
    turned.imag = size * np.sin(angle)
    return turned


def _overlap_add(frames: Floats, wave: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Add frames to what earlier ones left, both as rows of one hop; also add up their windows."""
    count = len(frames)
    waves, weights = (np.pad(rows, ((0, count), (0, 0))) for rows in (wave, weight))
    parts = frames.reshape(count, _OVERLAP + 1, dsp.HOP)
    for hop in range(_OVERLAP + 1):
        waves[hop : hop + count] += parts[:, hop]
        weights[hop : hop + count] += _WINDOW_POWER[hop]
    return waves, weights


def _finished(wave: Floats, weight: Floats, skip: int, stop: int) -> Floats:
    # The floor only matters at the sentence's very ends, where the windows fade to nothing.
    whole = wave[skip:stop] / np.maximum(weight[skip:stop], 1e-11)
    return whole.astype(np.float32, copy=False).reshape(-1)
