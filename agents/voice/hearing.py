"""How is the caller understood before their turn is over, by a service that hears whole utterances?

A pause of a moment is enough to ask for the text; by the time the turn is over it is there, and so
is, as a rule, the answer that the session has prepared for it. A caller who goes on loses nothing
but that text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit import rtc
from livekit.agents import APIConnectOptions, LanguageCode, stt, utils, vad
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.agents.utils import AudioBuffer

from agents.voice.asides import is_aside
from agents.voice.pacing import Pace
from agents.voice.utterance import Excerpt, Utterance

SAMPLE_RATE = 16_000
FRAME_MS = 32
"""One window of the voice detection, so that none has to wait for the rest of another."""


_ONCE = APIConnectOptions(max_retry=0)
"""Whoever transcribes has a stand-in, which is asked sooner than the same one again."""


class Hearing(stt.STT):
    """An ``STT`` that streams, made of one that does not and a detector of voices."""

    def __init__(self, transcriber: stt.STT, detector: vad.VAD, pace: Pace, language: str) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))
        self.transcriber = transcriber
        self.detector = detector
        self.pace = pace
        self.language = language
        self.agent_talks: Callable[[], bool] = lambda: False
        self.is_listening = False
        """Whether the caller has said something whose text is not settled."""

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        """Start to hear."""
        return _Stream(self, language or self.language, conn_options)

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        return await self.transcriber.recognize(
            buffer, language=language or self.language, conn_options=conn_options
        )


class _Stream(stt.RecognizeStream):
    def __init__(self, hearing: Hearing, language: str, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=hearing, conn_options=conn_options, sample_rate=SAMPLE_RATE)
        self._hearing = hearing
        self._language = language
        self._utterance = Utterance(hearing.pace)
        self._request: asyncio.Task[None] | None = None
        self._shown = ""

    async def _run(self) -> None:
        windows = self._hearing.detector.stream()
        forwarding = asyncio.create_task(self._forward(windows))
        try:
            async for event in windows:
                if event.type is vad.VADEventType.INFERENCE_DONE:
                    self._hear(event)
        finally:
            self._utterance.drop()
            await utils.aio.cancel_and_wait(forwarding)
            if self._request is not None:
                await utils.aio.cancel_and_wait(self._request)
            await windows.aclose()

    async def _forward(self, windows: vad.VADStream) -> None:
        async for item in self._input_ch:
            if isinstance(item, rtc.AudioFrame):
                windows.push_frame(item)
        windows.end_input()

    def _hear(self, event: vad.VADEvent) -> None:
        for frame in event.frames:
            self._utterance.hear(bytes(frame.data), event.probability)
        self._finish()
        busy = self._request is not None and not self._request.done()
        excerpt = self._utterance.excerpt(only_after_pause=busy)
        if excerpt is not None:
            self._ask(excerpt)

    def _ask(self, excerpt: Excerpt) -> None:
        if self._request is not None:
            # More has been said since, so its answer is of no use any more.
            self._request.cancel()
        self._request = asyncio.create_task(self._recognize(excerpt))

    async def _recognize(self, excerpt: Excerpt) -> None:
        frame = rtc.AudioFrame(excerpt.audio, SAMPLE_RATE, 1, len(excerpt.audio) // 2)
        event = await self._hearing.transcriber.recognize(
            frame, language=self._language, conn_options=_ONCE
        )
        text = event.alternatives[0].text.strip() if event.alternatives else ""
        if self._hearing.agent_talks() and is_aside(text):
            text = ""  # to the session it was a noise, after which the agent goes on.
        self._utterance.read(excerpt, text)
        self._tell(excerpt, text)
        self._finish()

    def _tell(self, excerpt: Excerpt, text: str) -> None:
        if not text:
            return
        if self._utterance.is_long:
            self._utterance.forget(excerpt)
            self._send(stt.SpeechEventType.FINAL_TRANSCRIPT, text)
        elif self._utterance.is_read:
            self._send(stt.SpeechEventType.PREFLIGHT_TRANSCRIPT, text)
        elif text != self._shown:
            self._send(stt.SpeechEventType.INTERIM_TRANSCRIPT, text)
        self._shown = text

    def _finish(self) -> None:
        text = self._utterance.finish()
        if text:
            self._send(stt.SpeechEventType.FINAL_TRANSCRIPT, text)
            self._shown = ""
        self._hearing.is_listening = self._utterance.begun

    def _send(self, kind: stt.SpeechEventType, text: str) -> None:
        data = stt.SpeechData(language=LanguageCode(self._language), text=text, confidence=1.0)
        self._event_ch.send_nowait(stt.SpeechEvent(kind, alternatives=[data]))
