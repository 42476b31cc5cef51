"""How does what the caller says become transcripts, while it is being said?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, stt, vad
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.agents.utils import AudioBuffer

from agents.voice.hearing import SAMPLE_RATE, Hearing
from agents.voice.pacing import Pace
from tests.support.settings import settings_with

WINDOW = 512
Kind = stt.SpeechEventType


class LoudIsSpeech(vad.VAD):
    """Takes whatever is not zero for speech."""

    def __init__(self) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=0.032))

    def stream(self) -> vad.VADStream:
        return _LoudIsSpeech(self)


class _LoudIsSpeech(vad.VADStream):
    async def _main_task(self) -> None:
        async for frame in self._input_ch:
            if isinstance(frame, rtc.AudioFrame):
                loud = any(bytes(frame.data))
                event = vad.VADEvent(
                    vad.VADEventType.INFERENCE_DONE,
                    samples_index=0,
                    timestamp=0.0,
                    speech_duration=0.0,
                    silence_duration=0.0,
                    frames=[frame],
                    probability=0.9 if loud else 0.0,
                )
                self._event_ch.send_nowait(event)


class Clerk(stt.STT):
    """Writes down how many windows were spoken, when it is allowed to."""

    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = 0
        self.answered = 0
        self.silent = False
        self.says = ""

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.SpeechEvent:
        self.asked += 1
        await self.may_answer.wait()
        self.answered += 1
        samples = bytes(rtc.combine_audio_frames(buffer).data)
        spoken = sum(any(samples[n : n + 1024]) for n in range(0, len(samples), 1024))
        text = "" if self.silent else self.says or f"{language} {spoken}."
        data = stt.SpeechData(language="en", text=text)  # pyright: ignore[reportArgumentType]
        return stt.SpeechEvent(Kind.FINAL_TRANSCRIPT, alternatives=[data])


class Ear:
    """A stream, and what has come out of it."""

    def __init__(self, clerk: Clerk) -> None:
        self.clerk = clerk
        settings = settings_with(turn_pause_seconds=0.4)
        self.hearing = Hearing(clerk, LoudIsSpeech(), Pace(settings), "en")
        self.stream = self.hearing.stream()
        self.heard: list[tuple[stt.SpeechEventType, str]] = []
        self._reading = asyncio.create_task(self._read())

    async def hear(self, seconds: float, *, loud: bool) -> None:
        """Push audio, window by window, as fast as it is taken."""
        for _ in range(round(seconds * SAMPLE_RATE / WINDOW)):
            frame = rtc.AudioFrame((b"\1\1" if loud else b"\0\0") * WINDOW, SAMPLE_RATE, 1, WINDOW)
            self.stream.push_frame(frame)
            for _ in range(12):
                await asyncio.sleep(0)

    async def _read(self) -> None:
        async for event in self.stream:
            self.heard.append((event.type, event.alternatives[0].text))

    async def aclose(self) -> None:
        await self.stream.aclose()
        await self._reading


def listening(body: Callable[[Ear], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        ear = Ear(Clerk())
        try:
            await body(ear)
        finally:
            await ear.aclose()

    asyncio.run(run())


def test_caller_when_they_stop_then_the_text_is_there_before_the_turn_is_over() -> None:
    async def body(ear: Ear) -> None:
        await ear.hear(0.96, loud=True)
        await ear.hear(0.2, loud=False)
        assert ear.heard == [(Kind.PREFLIGHT_TRANSCRIPT, "en 30.")]
        await ear.hear(0.3, loud=False)
        assert ear.heard[1:] == [(Kind.FINAL_TRANSCRIPT, "en 30.")]
        assert ear.clerk.asked == 1

    listening(body)


def test_caller_when_they_go_on_then_the_turn_is_all_that_they_have_said() -> None:
    async def body(ear: Ear) -> None:
        await ear.hear(0.64, loud=True)
        await ear.hear(0.2, loud=False)
        await ear.hear(0.64, loud=True)
        await ear.hear(1.0, loud=False)
        finals = [text for kind, text in ear.heard if kind is Kind.FINAL_TRANSCRIPT]
        assert finals == ["en 40."]

    listening(body)


def test_caller_when_they_go_on_before_the_text_comes_then_it_is_not_waited_for() -> None:
    async def body(ear: Ear) -> None:
        ear.clerk.may_answer.clear()
        await ear.hear(0.64, loud=True)
        await ear.hear(0.2, loud=False)
        await ear.hear(0.64, loud=True)
        await ear.hear(0.2, loud=False)
        assert ear.clerk.asked == 2
        ear.clerk.may_answer.set()
        await ear.hear(0.5, loud=False)
        assert ear.clerk.answered == 1, "the first request was not given up"
        assert [text for _, text in ear.heard] == ["en 40.", "en 40."]

    listening(body)


def test_caller_when_speaking_long_then_is_shown_what_they_have_said() -> None:
    async def body(ear: Ear) -> None:
        await ear.hear(4.0, loud=True)
        kinds = {kind for kind, _ in ear.heard}
        assert len(ear.heard) == 2
        assert kinds <= {Kind.INTERIM_TRANSCRIPT, Kind.PREFLIGHT_TRANSCRIPT}

    listening(body)


def test_long_utterance_when_text_is_still_asked_for_then_no_other_is_before_a_pause() -> None:
    async def body(ear: Ear) -> None:
        ear.clerk.may_answer.clear()
        await ear.hear(8.0, loud=True)
        assert ear.clerk.asked == 1
        await ear.hear(0.2, loud=False)
        assert ear.clerk.asked == 2

    listening(body)


def test_noise_when_nothing_was_said_then_no_transcript_comes() -> None:
    async def body(ear: Ear) -> None:
        ear.clerk.silent = True
        await ear.hear(0.5, loud=True)
        await ear.hear(2.0, loud=False)
        assert ear.heard == []
        ear.clerk.silent = False
        await ear.hear(0.64, loud=True)
        await ear.hear(1.0, loud=False)
        assert ear.heard[-1] == (Kind.FINAL_TRANSCRIPT, "en 20.")

    listening(body)


def test_speech_when_longer_than_a_model_hears_then_comes_in_parts_without_a_double() -> None:
    async def body(ear: Ear) -> None:
        await ear.hear(30.0, loud=True)
        await ear.hear(1.0, loud=False)
        finals = [text for kind, text in ear.heard if kind is Kind.FINAL_TRANSCRIPT]
        spoken = [int(text.removeprefix("en ").rstrip(".")) for text in finals]
        assert len(finals) == 2
        assert sum(spoken) == pytest.approx(30.0 * SAMPLE_RATE / WINDOW, abs=2)

    listening(body)


@pytest.mark.parametrize(
    ("says", "agent_talks", "heard"),
    [("Uh-huh.", True, False), ("Uh-huh.", False, True), ("Okay, stop.", True, True)],
)
def test_caller_when_they_only_show_that_they_listen_then_it_is_no_turn(
    says: str, agent_talks: bool, heard: bool
) -> None:
    async def body(ear: Ear) -> None:
        ear.clerk.says = says
        ear.hearing.agent_talks = lambda: agent_talks
        await ear.hear(0.5, loud=True)
        await ear.hear(0.6, loud=False)
        assert [text for _, text in ear.heard] == ([says, says] if heard else [])

    listening(body)
