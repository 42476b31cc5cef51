"""Is every text cut into pieces that the network can take, and nothing lost?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.phrases import cut, visible


@given(st.text("ab ,.", max_size=300), st.integers(5, 80))
def test_cut_when_given_any_phonemes_then_no_piece_is_too_long_and_no_letter_is_lost(text, longest):
    pieces = cut(text, longest)
    assert all(len(piece) <= longest for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_cut_when_there_are_clauses_then_it_cuts_between_them():
    assert cut("one two, three four, five", 12) == ["one two,", "three four,", "five"]


def test_cut_when_a_clause_is_too_long_then_it_cuts_between_words():
    assert cut("one two three four", 9) == ["one two", "three", "four"]


@pytest.mark.parametrize(
    ("written", "seen"),
    [("cafe\u0301", "café"), ("zero\u200bwidth", "zerowidth"), ("two\nlines", "two\nlines")],
)
def test_visible_when_text_has_what_nobody_sees_then_it_goes(written, seen):
    assert visible(written) == seen
