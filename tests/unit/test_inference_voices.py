"""Are the six voices what the table promises?"""

from __future__ import annotations

import itertools

import pytest

from inference.voices import UnknownVoiceError, find_voice, voice_names, voices

SIX = ["Ashley", "Craig", "Edward", "Olivia", "Priya", "Wendy"]


def test_voices_when_listed_then_they_are_the_six():
    assert voice_names() == SIX


@pytest.mark.parametrize("spelling", ["Ashley", "ashley", "ASHLEY", " Ashley "])
def test_find_voice_when_the_case_differs_then_it_is_the_same_voice(spelling):
    assert find_voice(spelling).name == "Ashley"


def test_find_voice_when_unknown_then_the_message_lists_the_known_ones():
    with pytest.raises(UnknownVoiceError, match="Ashley, Craig, Edward, Olivia, Priya, Wendy"):
        find_voice("Nobody")


def test_voices_when_compared_then_each_pair_is_far_enough_apart_in_pitch():
    for one, other in itertools.combinations(voices().values(), 2):
        low, high = sorted((one.pitch, other.pitch))
        assert high / low >= 1.1, f"{one.name} and {other.name}"
