"""Is a long recording cut where nobody speaks?"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from inference.sound import RATE
from inference.windows import windows


def speech(seconds):
    return np.random.default_rng(3).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)


@pytest.mark.parametrize("seconds", [0, 0.1, 7, 19.9])
def test_windows_when_a_recording_is_short_then_it_stays_whole(seconds):
    samples = speech(seconds)
    assert list(windows(samples)) == [(0, len(samples))]


@pytest.mark.parametrize("pause_at", [9, 12.5, 18])
def test_windows_when_there_is_a_pause_then_the_cut_is_in_it(pause_at):
    samples = speech(25)
    samples[int(pause_at * RATE) : int((pause_at + 0.5) * RATE)] *= 0.01
    (_, cut), last = windows(samples)
    assert pause_at <= cut / RATE <= pause_at + 0.5
    assert last == (cut, len(samples))


@pytest.mark.parametrize("seconds", [20.01, 47.3, 200])
def test_windows_when_a_recording_is_long_then_nothing_is_lost_and_none_is_long(seconds):
    samples = speech(seconds)
    found = list(windows(samples))
    assert found[0][0] == 0
    assert found[-1][1] == len(samples)
    assert all(end == start for (_, end), (start, _) in itertools.pairwise(found))
    assert all(0 < end - start <= 20 * RATE for start, end in found)
