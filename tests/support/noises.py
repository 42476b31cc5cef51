"""What does a caller's line carry that is no speech? The same noises in every run."""

from __future__ import annotations

import numpy as np

from tests.support.speech import RATE, Samples


def cough(seconds: float = 0.45, peak: float = 12_000) -> Samples:
    """Return a burst of noise that dies away, as a cough or a slammed door does."""
    count = round(seconds * RATE)
    decay = np.exp(-np.arange(count) / (0.12 * RATE))
    noise = np.random.default_rng(4).normal(0, 0.35, count)
    return (np.clip(noise * decay, -1, 1) * peak).astype(np.int16)


def clicks(seconds: float = 0.8, each_second: int = 12, peak: int = 14_000) -> Samples:
    """Return a train of clicks, as a keyboard makes."""
    samples = np.zeros(round(seconds * RATE), np.int16)
    for start in range(0, samples.size - 48, RATE // each_second):
        samples[start : start + 48] = peak * np.where(np.arange(48) // 12 % 2, -1, 1)
    return samples
