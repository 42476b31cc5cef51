"""Where between two sentences an agent can stop, and what is then left to say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString

from agents.voice.script import Cut, Script

SENTENCES = ["We open at nine. ", "We close at six. ", "On Sunday we sleep."]
TEXT = "".join(SENTENCES)


class Player:
    """Plays a text whose sentences last 0.15 s each, as fast as asked."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.at: float | None = 0.02
        script.position = lambda: self.at

    def plays(self, sentences: list[str]) -> None:
        for n, sentence in enumerate(sentences):
            frame = rtc.AudioFrame.create(24_000, 1, 240)
            frame.userdata[USERDATA_TIMED_TRANSCRIPT] = [TimedString(sentence)]
            self.script.plays(frame, n * 0.15)
            self.script.plays(rtc.AudioFrame.create(24_000, 1, 240), n * 0.15 + 0.01)

    async def advance(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            self.at = 0.02 + loop.time() - began
            await asyncio.sleep(0.005)


async def pause(player: Player) -> Cut | None:
    """Wait for a pause while the text is played."""
    playing = asyncio.create_task(player.advance())
    try:
        return await asyncio.wait_for(player.script.pause(), 5)
    finally:
        playing.cancel()


def test_pause_when_the_agent_is_in_a_sentence_then_is_at_its_end() -> None:
    script = Script()
    player = Player(script)
    script.write(TEXT)
    player.plays(SENTENCES)
    cut = asyncio.run(pause(player))
    assert cut == Cut("We open at nine.", "We close at six. On Sunday we sleep.")
    assert cut is not None
    assert cut.whole == TEXT


def test_pause_when_a_sentence_ends_in_silence_then_nobody_waits_for_the_end_of_that() -> None:
    script = Script()
    player = Player(script)
    script.write("One. Two.")
    loud = np.full(2400, 5000, np.int16)
    for n, (at, samples) in enumerate([(0, loud), (0.1, loud * 0), (5.0, loud)]):
        frame = rtc.AudioFrame(samples.tobytes(), 24_000, 1, samples.size)
        if n != 1:
            frame.userdata[USERDATA_TIMED_TRANSCRIPT] = [TimedString(["One. ", "", "Two."][n])]
        script.plays(frame, at)
    assert asyncio.run(pause(player)) == Cut("One.", "Two.")
    assert player.at is not None
    assert player.at < 2


def test_pause_when_in_the_last_sentence_then_there_is_none() -> None:
    script = Script()
    player = Player(script)
    script.write(TEXT)
    player.plays(SENTENCES)
    player.at = 0.32
    assert asyncio.run(script.pause()) is None


def test_pause_when_nothing_is_played_then_there_is_none() -> None:
    assert asyncio.run(Script().pause()) is None


def test_pause_when_the_voice_marks_no_sentences_then_there_is_none() -> None:
    script = Script()
    Player(script)
    script.write(TEXT)
    script.plays(rtc.AudioFrame.create(24_000, 1, 240), 0)
    assert asyncio.run(script.pause()) is None


def test_pause_when_the_text_is_not_known_then_nothing_is_cut() -> None:
    script = Script()
    player = Player(script)
    player.plays(SENTENCES)
    assert asyncio.run(pause(player)) is None


def test_pause_when_another_answer_was_prepared_for_nothing_then_the_one_that_is_said_counts() -> (
    None
):
    script = Script()
    player = Player(script)
    script.write(TEXT)
    script.write("Something else. That nobody says.")
    player.plays(SENTENCES)
    cut = asyncio.run(pause(player))
    assert cut is not None
    assert cut.said == "We open at nine."


@pytest.mark.parametrize("complete", [True, False])
def test_pause_when_the_model_still_writes_then_waits_for_all_of_it(*, complete: bool) -> None:
    script = Script()
    player = Player(script)

    async def words() -> AsyncIterator[str]:
        for sentence in SENTENCES:
            yield sentence
        if not complete:
            await asyncio.sleep(60)

    async def follow() -> Cut | None:
        passed: list[str] = []

        async def pull() -> None:
            async for part in script.follow(words()):
                passed.append(part)  # noqa: PERF401 - looked at while it grows.

        task = asyncio.create_task(pull())
        await asyncio.sleep(0.01)
        assert passed == SENTENCES
        player.plays(SENTENCES)
        found = await pause(player)
        task.cancel()
        return found

    cut = asyncio.run(follow())
    assert (cut is not None) is complete


def test_marks_when_the_next_text_is_played_then_those_of_the_last_are_gone() -> None:
    script = Script()
    player = Player(script)
    script.write(TEXT)
    player.plays(SENTENCES)
    script.write("Hello. Good to see you.")
    player.plays(["Hello. ", "Good to see you."])
    assert asyncio.run(pause(player)) == Cut("Hello.", "Good to see you.")
