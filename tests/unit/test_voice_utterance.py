"""What is a turn of the caller, and when is it over?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agents.voice.pacing import Pace
from agents.voice.utterance import WINDOW_SECONDS, Excerpt, Utterance
from tests.support.settings import settings_with

LOUD, QUIET, DOUBTFUL = 0.9, 0.05, 0.4


@pytest.fixture
def utterance() -> Utterance:
    return Utterance(Pace(settings_with(turn_pause_seconds=0.4, unfinished_pause_seconds=1.0)))


def windows(utterance: Utterance, seconds: float, probability: float) -> Iterator[Excerpt | None]:
    """Yield what is to be transcribed after each window."""
    for _ in range(round(seconds / WINDOW_SECONDS)):
        utterance.hear(b"\x01\x02" * 512, probability)
        yield utterance.excerpt()


def hear(utterance: Utterance, seconds: float, probability: float = LOUD) -> list[Excerpt]:
    return [excerpt for excerpt in windows(utterance, seconds, probability) if excerpt]


def silence_until_over(utterance: Utterance, at_most: float = 5.0) -> tuple[str, float]:
    """Hear silence until the turn is over; return its text and how long that took."""
    for n in range(round(at_most / WINDOW_SECONDS)):
        utterance.hear(b"\0\0" * 512, QUIET)
        if (text := utterance.finish()) is not None:
            return text, (n + 1) * WINDOW_SECONDS
    raise AssertionError("the turn was never over")


def test_caller_when_silent_for_a_moment_then_what_they_said_is_transcribed_once(
    utterance: Utterance,
) -> None:
    assert hear(utterance, 1.0) == []
    [excerpt] = hear(utterance, 0.32, QUIET)
    assert len(excerpt.audio) / 32_000 == pytest.approx(1.0 + 2 * WINDOW_SECONDS, abs=0.04)
    assert utterance.finish() is None, "nobody knows yet what was said"


def test_turn_when_its_sentence_is_over_then_ends_after_the_pause(utterance: Utterance) -> None:
    hear(utterance, 1.0)
    [excerpt] = hear(utterance, 0.1, QUIET)
    utterance.read(excerpt, "How are you?")
    text, waited = silence_until_over(utterance)
    assert text == "How are you?"
    assert 0.25 <= waited <= 0.35


@pytest.mark.parametrize("text", ["I would like to", "Well,", "It is...", "A lock and.", "Blue-"])
def test_turn_when_its_sentence_is_not_over_then_is_waited_for(
    utterance: Utterance, text: str
) -> None:
    hear(utterance, 1.0)
    [excerpt] = hear(utterance, 0.1, QUIET)
    utterance.read(excerpt, "Hello.")
    assert silence_until_over(utterance)[0] == "Hello."
    hear(utterance, 2.0, QUIET)
    hear(utterance, 1.0)
    [excerpt] = hear(utterance, 0.1, QUIET)
    utterance.read(excerpt, text)
    assert silence_until_over(utterance)[1] > 0.8


def test_turn_when_whoever_hears_writes_no_marks_then_is_not_waited_for(
    utterance: Utterance,
) -> None:
    hear(utterance, 1.0)
    [excerpt] = hear(utterance, 0.1, QUIET)
    utterance.read(excerpt, "how are you")
    assert silence_until_over(utterance)[1] < 0.4


def test_caller_when_they_go_on_then_the_text_of_the_pause_is_not_the_turn(
    utterance: Utterance,
) -> None:
    hear(utterance, 1.0)
    [early] = hear(utterance, 0.1, QUIET)
    hear(utterance, 1.0)
    utterance.read(early, "How are you?")
    assert not utterance.is_read
    assert utterance.finish() is None
    [whole] = hear(utterance, 0.1, QUIET)
    assert len(whole.audio) > len(early.audio) + 32_000 * 0.9
    utterance.read(whole, "How are you? I am fine.")
    assert silence_until_over(utterance)[0] == "How are you? I am fine."


def test_text_when_it_comes_after_the_pause_then_ends_the_turn_at_once(
    utterance: Utterance,
) -> None:
    hear(utterance, 1.0)
    [excerpt] = hear(utterance, 3.0, QUIET)
    utterance.read(excerpt, "How are you?")
    assert utterance.finish() == "How are you?"


def test_caller_when_speaking_long_then_is_shown_before_a_pause(utterance: Utterance) -> None:
    shown = hear(utterance, 6.0)
    assert 2 <= len(shown) <= 3


def test_request_when_one_is_under_way_then_only_a_pause_makes_another(
    utterance: Utterance,
) -> None:
    for _ in range(100):
        utterance.hear(b"\1\2" * 512, LOUD)
        assert utterance.excerpt(only_after_pause=True) is None
    for _ in range(3):
        utterance.hear(b"\0\0" * 512, QUIET)
    assert utterance.excerpt(only_after_pause=True) is not None


def test_noise_when_it_is_short_or_faint_then_is_no_turn(utterance: Utterance) -> None:
    hear(utterance, WINDOW_SECONDS)
    hear(utterance, 1.0, QUIET)
    assert hear(utterance, 2.0, DOUBTFUL) == []


def test_noise_when_nothing_is_said_in_it_then_the_next_turn_is_fresh(
    utterance: Utterance,
) -> None:
    hear(utterance, 0.5)
    [noise] = hear(utterance, 0.1, QUIET)
    utterance.read(noise, "")
    assert silence_until_over(utterance)[0] == ""
    hear(utterance, 1.0)
    [excerpt] = hear(utterance, 0.1, QUIET)
    assert len(excerpt.audio) / 32_000 < 1.5


def test_speech_when_very_long_then_is_settled_in_parts(utterance: Utterance) -> None:
    excerpts = hear(utterance, 25.0)
    last = excerpts[-1]
    assert utterance.is_long
    utterance.read(last, "So far.")
    utterance.forget(last)
    assert not utterance.is_long
    [rest] = hear(utterance, 0.1, QUIET)
    assert len(rest.audio) / 32_000 < 3
    utterance.read(rest, "And the rest.")
    assert silence_until_over(utterance)[0] == "And the rest."


def test_caller_when_cut_off_then_gets_more_time(utterance: Utterance) -> None:
    hear(utterance, 1.0)
    [excerpt] = hear(utterance, 0.1, QUIET)
    utterance.read(excerpt, "Hello.")
    _, before = silence_until_over(utterance)
    hear(utterance, 0.2, QUIET)
    hear(utterance, 1.0)
    [excerpt] = hear(utterance, 0.1, QUIET)
    utterance.read(excerpt, "It is me.")
    _, after = silence_until_over(utterance)
    assert after > before + 0.15
