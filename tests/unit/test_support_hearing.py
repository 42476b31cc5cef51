"""A caller that measures must itself measure right."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.hearing import Hearing
from tests.support.noises import clicks, cough
from tests.support.speech import RATE, Words, audible, is_loud, plain

TEN_MS = RATE // 100
LOUD = np.full(TEN_MS, 9000, np.int16)
SILENT = np.zeros(TEN_MS, np.int16)


@pytest.fixture
def hearing() -> Hearing:
    """A second each of silence, speech with a short pause in it, silence, and speech."""
    hearing = Hearing()
    parts = [(SILENT, 100), (LOUD, 50), (SILENT, 20), (LOUD, 30), (SILENT, 100), (LOUD, 100)]
    now = 0.0
    for samples, count in parts:
        for _ in range(count):
            now += 0.01
            hearing.hear(samples, now)
    return hearing


def test_hearing_when_asked_for_the_first_sound_after_a_moment_then_finds_it(
    hearing: Hearing,
) -> None:
    assert hearing.first_after(0.5) == pytest.approx(1.01)
    assert hearing.first_after(2.5) == pytest.approx(3.01)
    assert hearing.first_after(4.5) is None


def test_hearing_when_somebody_pauses_shortly_then_has_not_fallen_silent(hearing: Hearing) -> None:
    silent = hearing.last_before_a_pause(1.1, 0.6, now=4.0)
    assert silent == pytest.approx(2.0)


def test_hearing_when_somebody_stopped_just_before_then_counts_that(hearing: Hearing) -> None:
    assert hearing.last_before_a_pause(2.05, 0.6, now=4.0) == pytest.approx(2.0)


def test_hearing_when_somebody_still_speaks_then_there_is_no_pause_yet(hearing: Hearing) -> None:
    assert hearing.last_before_a_pause(3.5, 0.6, now=4.1) is None
    assert hearing.last_before_a_pause(3.5, 0.6, now=4.7) == pytest.approx(4.0)


def test_hearing_when_asked_for_a_stretch_then_returns_that_alone(hearing: Hearing) -> None:
    assert hearing.between(1.005, 1.505).size == 50 * TEN_MS
    assert is_loud(hearing.between(3.005)).all()
    assert hearing.seconds_of_speech == pytest.approx(1.8)


def test_audible_when_there_is_silence_around_then_cuts_it_off() -> None:
    assert audible(np.concatenate([SILENT, LOUD, SILENT, LOUD, SILENT])).size == 3 * TEN_MS
    assert audible(SILENT).size == 0
    assert audible(np.full(5, -32768, np.int16)).size == 5


def test_noises_when_made_twice_then_are_the_same_and_loud() -> None:
    for noise in (cough, clicks):
        assert (noise() == noise()).all()
        assert is_loud(noise()).any()


def test_plain_when_given_a_sentence_then_leaves_its_words() -> None:
    assert plain("We're open, 9 to 5!") == "we're open 9 to 5"


def test_words_when_ears_take_a_letter_for_another_then_are_still_those() -> None:
    heard = Words("the address of our shop is 42 mable street in springfield")
    assert "maple street" in heard
    assert "maple avenue" not in heard
    assert "saturday" not in heard
    assert "maple street" not in Words("maple")
    assert "maple street" not in Words("")
