"""Does the tests' own pitch meter measure pitch?"""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.pitch import median_pitch

RATE = 24_000
ONE_SECOND = np.arange(RATE) / RATE


def tone(hertz):
    harmonics = np.arange(1, 9)[:, None]
    return (np.sin(2 * np.pi * hertz * harmonics * ONE_SECOND) / harmonics).sum(axis=0)


@pytest.mark.parametrize("hertz", [70, 101.5, 180, 220, 333.3, 450])
def test_median_pitch_when_a_tone_has_harmonics_then_it_is_the_fundamental(hertz):
    assert median_pitch(tone(hertz), RATE) == pytest.approx(hertz, rel=0.005)


def test_median_pitch_when_the_fundamental_is_missing_then_it_is_still_found():
    without = tone(150) - np.sin(2 * np.pi * 150 * ONE_SECOND)
    assert median_pitch(without, RATE) == pytest.approx(150, rel=0.005)


def test_median_pitch_when_samples_are_16_bit_then_scale_does_not_matter():
    samples = (tone(200) * 3000).astype("<i2")
    assert median_pitch(samples, RATE) == pytest.approx(200, rel=0.005)


def test_median_pitch_when_there_are_pauses_and_noise_then_they_do_not_count():
    noise = np.random.default_rng(1).normal(0, 0.02, RATE)
    samples = np.concatenate([np.zeros(RATE), tone(120) + noise, noise])
    assert median_pitch(samples, RATE) == pytest.approx(120, rel=0.01)


@pytest.mark.parametrize(
    "samples",
    [np.zeros(RATE), np.zeros(10), np.random.default_rng(1).normal(0, 1, RATE)],
    ids=["silence", "too short", "noise"],
)
def test_median_pitch_when_nothing_is_voiced_then_it_says_so(samples):
    with pytest.raises(ValueError, match="voiced frames"):
        median_pitch(samples, RATE)


def test_median_pitch_when_samples_are_stereo_then_it_says_what_it_wants():
    with pytest.raises(ValueError, match="mono"):
        median_pitch(np.zeros((RATE, 2)), RATE)
