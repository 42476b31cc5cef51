"""How high does a voice speak? The median fundamental frequency of a recording, by YIN.

YIN (de Cheveigné and Kawahara, 2002) in plain numpy: for each frame, the smallest lag at which the
signal repeats itself well enough.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

LOWEST_HZ: Final = 60.0
HIGHEST_HZ: Final = 500.0
FRAME_SECONDS: Final = 0.04
HOP_SECONDS: Final = 0.01
PERIODIC_BELOW: Final = 0.15  # YIN's own threshold: a frame that repeats less well is not voiced
QUIET_BELOW: Final = 0.1  # share of the loud frames' level under which a frame is a pause
FEWEST_VOICED_FRAMES: Final = 5


def median_pitch(samples: NDArray[np.generic], rate: int) -> float:
    """Return the median F0 in Hz of the voiced frames of mono ``samples``, shape (n,).

    Any number type is taken, only the shape of the wave counts. Raises `ValueError` when too little
    of it is voiced.
    """
    wave = np.asarray(samples, dtype=np.float64)
    if wave.ndim != 1:
        raise ValueError(f"median_pitch wants mono samples of shape (n,), not {wave.shape}")
    pitches = [_frame_pitch(frame, rate) for frame in _loud_frames(wave, rate)]
    voiced = [pitch for pitch in pitches if pitch is not None]
    if len(voiced) < FEWEST_VOICED_FRAMES:
        raise ValueError(f"only {len(voiced)} voiced frames in {len(wave) / rate:.2f} s of audio")
    return float(np.median(voiced))


def _loud_frames(wave: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Overlapping frames, shape (frames, samples), without the pauses."""
    length = int(rate * FRAME_SECONDS) + int(rate / LOWEST_HZ)
    if len(wave) < length:
        return np.empty((0, length))
    frames = np.lib.stride_tricks.sliding_window_view(wave, length)[:: int(rate * HOP_SECONDS)]
    level = np.sqrt((frames**2).mean(axis=1))
    return frames[level > QUIET_BELOW * np.percentile(level, 95)]


def _frame_pitch(frame: NDArray[np.float64], rate: int) -> float | None:
    """F0 of one frame in Hz, or None where it does not repeat."""
    longest, shortest = int(rate / LOWEST_HZ), int(rate / HIGHEST_HZ)
    dips = _normalised_difference(frame - frame.mean(), longest)
    candidates = np.flatnonzero(dips[shortest:] < PERIODIC_BELOW)
    if len(candidates) == 0:
        return None
    lag = shortest + int(candidates[0])
    while lag + 1 < longest and dips[lag + 1] < dips[lag]:
        lag += 1
    return rate / (lag + _vertex(dips, lag))


def _normalised_difference(frame: NDArray[np.float64], longest: int) -> NDArray[np.float64]:
    """YIN's cumulative mean normalised difference for the lags 0 to `longest`."""
    window = len(frame) - longest
    size = 1 << (2 * len(frame) - 1).bit_length()
    head = np.fft.rfft(frame[:window], size)
    correlation = np.fft.irfft(np.conj(head) * np.fft.rfft(frame, size), size)[: longest + 1]
    energy = np.concatenate(([0.0], np.cumsum(frame**2)))
    shifted = energy[window : window + longest + 1] - energy[: longest + 1]
    difference = np.maximum(energy[window] + shifted - 2 * correlation, 0.0)
    running_mean = np.cumsum(difference[1:]) / np.arange(1, longest + 1)
    return np.concatenate(([1.0], difference[1:] / np.maximum(running_mean, 1e-12)))


def _vertex(dips: NDArray[np.float64], lag: int) -> float:
    """Offset of the parabola's lowest point from `lag`, in samples (-0.5 to 0.5)."""
    if lag + 1 >= len(dips):
        return 0.0
    before, at, after = dips[lag - 1 : lag + 2]
    curvature = before - 2 * at + after
    return float((before - after) / (2 * curvature)) if curvature > 0 else 0.0
