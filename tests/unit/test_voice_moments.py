"""When the agent of a call may be replaced: while nobody speaks, nor waits for an answer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit.agents import AgentSession

from agents.voice.moments import Moments
from agents.voice.narrator import Narrator
from agents.voice.script import Cut, Script
from tests.fixtures.redis import MakeSettings

CUT = Cut("One.", "Two.")


class Session:
    """A call as ``Moments`` sees it."""

    def __init__(self) -> None:
        self.user_state = "listening"
        self.agent_state = "listening"
        self.current_speech: object | None = None
        self.stt: object = None
        self._told: dict[str, Any] = {}

    def on(self, event: str, callback: Any) -> None:
        self._told[event] = callback

    def caller(self, state: str) -> None:
        before, self.user_state = self.user_state, state
        self._told["user_state_changed"](SimpleNamespace(old_state=before, new_state=state))

    def agent(self, state: str) -> None:
        before, self.agent_state = self.agent_state, state
        self.current_speech = object() if state == "speaking" else None
        self._told["agent_state_changed"](SimpleNamespace(old_state=before, new_state=state))


class Scene:
    """A call in which the test says what happens."""

    def __init__(self, make_settings: MakeSettings, *, patience: float) -> None:
        self.session = Session()
        self.narrator = SimpleNamespace(hears_caller=False, speaks_on_order=False)
        settings = make_settings(
            handover_patience_seconds=patience, turn_pause_seconds=0.2, unfinished_pause_seconds=0.2
        )
        self.script = Script()

        async def pause() -> Cut:
            return CUT

        self.script.pause = pause
        self.moments = Moments(
            cast("AgentSession[None]", self.session),
            cast("Narrator", self.narrator),
            self.script,
            settings,
        )

    async def comes(self, within: float = 3.0) -> Cut | None:
        return await asyncio.wait_for(self.moments.wait(), within)

    async def does_not_come(self, within: float = 0.4) -> None:
        with pytest.raises(TimeoutError):
            await self.comes(within)


def test_moment_when_nobody_speaks_then_is_now(make_settings: MakeSettings) -> None:
    async def scene() -> None:
        assert await Scene(make_settings, patience=5).comes(0.5) is None

    asyncio.run(scene())


def test_moment_when_the_caller_has_just_spoken_then_comes_after_the_answer(
    make_settings: MakeSettings,
) -> None:
    async def scene() -> None:
        call = Scene(make_settings, patience=60)
        call.session.caller("speaking")
        await call.does_not_come()
        call.session.caller("listening")
        await call.does_not_come()
        call.session.agent("thinking")
        await call.does_not_come()
        call.session.agent("speaking")
        await call.does_not_come()
        call.session.agent("listening")
        assert await call.comes() is None

    asyncio.run(scene())


def test_moment_when_what_was_heard_is_no_turn_yet_then_is_waited_for(
    make_settings: MakeSettings,
) -> None:
    async def scene() -> None:
        call = Scene(make_settings, patience=60)
        call.narrator.hears_caller = True
        call.session.caller("speaking")
        call.session.caller("listening")
        await call.does_not_come(1.2)
        call.narrator.hears_caller = False
        assert await call.comes() is None

    asyncio.run(scene())


def test_moment_when_the_agent_talks_on_then_is_a_pause_after_the_patience(
    make_settings: MakeSettings,
) -> None:
    async def scene() -> None:
        patient, impatient = Scene(make_settings, patience=60), Scene(make_settings, patience=0)
        for call in (patient, impatient):
            call.session.agent("speaking")
        await patient.does_not_come()
        assert await impatient.comes() == CUT

    asyncio.run(scene())


def test_moment_when_the_agent_says_what_it_was_told_to_then_is_not_cut(
    make_settings: MakeSettings,
) -> None:
    async def scene() -> None:
        call = Scene(make_settings, patience=0)
        call.narrator.speaks_on_order = True
        call.session.agent("speaking")
        await call.does_not_come()

    asyncio.run(scene())


def test_moment_when_the_caller_never_stops_then_comes_at_last(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.voice.moments._LONGEST_SECONDS", 0.6)

    async def scene() -> None:
        call = Scene(make_settings, patience=0.1)
        call.session.caller("speaking")
        await call.does_not_come(0.3)
        assert await call.comes() is None

    asyncio.run(scene())
