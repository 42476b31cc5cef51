"""The marker by which an LLM says that it cannot answer is never heard."""

from __future__ import annotations

import pytest

from agents.knowledge.answers import REFUSAL
from agents.knowledge.marker import MARKER, MarkerFilter, without_marker


def through(*tokens: str) -> tuple[str, bool]:
    marker = MarkerFilter()
    said = "".join(marker.feed(token) for token in tokens) + marker.end()
    return said, marker.refused


@pytest.mark.parametrize("text", [MARKER, f" {MARKER}\n", MARKER.lower(), f"{MARKER} I am sorry."])
def test_marker_when_it_comes_in_single_letters_then_only_the_refusal_is_said(text: str) -> None:
    assert through(*text) == (REFUSAL, True)
    assert through(text) == (REFUSAL, True)


def test_marker_when_it_comes_late_then_what_was_said_stands_before_the_refusal() -> None:
    assert through("We open at nine.", "[NO_", "ANSWER]", "and more") == (
        f"We open at nine. {REFUSAL}",
        True,
    )


def test_words_when_there_is_no_marker_then_all_are_said() -> None:
    assert through("We [", "NO", " longer] open", " at [NO_ANS") == (
        "We [NO longer] open at [NO_ANS",
        False,
    )


def test_words_when_they_cannot_be_the_marker_then_are_not_held_back() -> None:
    marker = MarkerFilter()
    assert marker.feed("We open") == "We open"
    assert marker.feed(" at [N") == " at "
    assert marker.feed("ine") == "[Nine"


async def _tokens(*tokens: str):
    for token in tokens:
        yield token


def test_stream_when_read_asynchronously_then_is_filtered_too() -> None:
    import asyncio

    async def read() -> list[str]:
        return [text async for text in without_marker(_tokens("[NO_", "ANSWER]", "x"))]

    assert asyncio.run(read()) == [REFUSAL]
