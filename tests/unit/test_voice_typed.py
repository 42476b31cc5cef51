"""What a caller types in the room is bounded like what comes over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from livekit.agents.voice.room_io import TextInputEvent

from agents.voice.typed import Typed
from tests.support.clocks import HandClock


def test_message_when_too_long_or_empty_then_is_not_answered() -> None:
    typed = Typed(per_minute=60)
    assert typed.allows("x" * 4000)
    assert not typed.allows("x" * 4001)
    assert not typed.allows(" \n")


def test_messages_when_too_many_in_a_minute_then_the_next_is_answered_a_minute_later() -> None:
    clock = HandClock(0)
    typed = Typed(3, lambda: clock() / 1000)
    assert [typed.allows("Hello?") for _ in range(4)] == [True, True, True, False]
    clock.forward(59_000)
    assert not typed.allows("Hello?")
    clock.forward(1000)
    assert typed.allows("Hello?")


def test_messages_when_the_house_sets_no_limit_then_all_are_answered() -> None:
    typed = Typed(0)
    assert all(typed.allows("Hello?") for _ in range(100))


def test_message_when_it_is_one_too_many_then_the_agent_does_not_see_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    typed = Typed(1)
    seen: list[str] = []

    async def answer(_session: object, event: TextInputEvent) -> None:
        seen.append(event.text)

    monkeypatch.setattr(typed, "_answer", answer)
    for text in ("One?", "Two?"):
        event = TextInputEvent(text, cast("Any", None), cast("Any", None))
        asyncio.run(typed.take(cast("Any", None), event))
    assert seen == ["One?"]
