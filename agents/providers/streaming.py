"""Who hears when a plugin that listens all the time fails in the middle of a call?

What was being said when it failed is lost. From then on the stand-in listens, until the plugin has
rested and the caller has just finished saying something. LiveKit's own adapter for this stays with
the stand-in for the rest of the call.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from contextlib import suppress

from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, stt, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.agents.utils import AudioBuffer

from agents.providers.standby import Named, Standby
from sessions.metering import count
from sessions.usage import Amounts, Model

_ONCE = APIConnectOptions(max_retry=0)


class StreamedHearing(Named, stt.STT):
    """Hearing by a plugin, or by whoever stands in, which does not fail."""

    def __init__(self, standby: Standby[stt.STT], stand_in: stt.STT) -> None:
        super().__init__(capabilities=standby.first.capabilities)
        self.standby = standby
        self.stand_in = stand_in

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        """Start to hear."""
        return _Stream(self, language)

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        ears, _ = self.standby.pick(self.stand_in)
        return await ears.recognize(buffer, language=language, conn_options=conn_options)


class _Stream(stt.RecognizeStream):
    def __init__(self, hearing: StreamedHearing, language: NotGivenOr[str]) -> None:
        super().__init__(stt=hearing, conn_options=_ONCE)
        self._hearing = hearing
        self._language = language
        self._listening: stt.RecognizeStream | None = None
        self._over = False
        self._model: Model | None = None
        """As what the plugin's work is counted; the stand-in counts its own."""

    async def _metrics_monitor_task(self, event_aiter: AsyncIterable[stt.SpeechEvent]) -> None:
        async for _ in event_aiter:  # whoever hears counts.
            pass

    async def _run(self) -> None:
        standby = self._hearing.standby
        forwarding = asyncio.create_task(self._forward())
        try:
            while not self._over:
                ears, is_first = standby.pick(self._hearing.stand_in)
                try:
                    await self._hear(ears, is_first)
                except Exception as error:
                    if not is_first:
                        raise
                    standby.leave(error)
        finally:
            await utils.aio.cancel_and_wait(forwarding)

    async def _hear(self, ears: stt.STT, is_first: bool) -> None:
        """Hear with one of both, to the end or until the other is to take over."""
        self._model = self._hearing.standby.counted(ears) if is_first else None
        count(self._model, Amounts(requests=1))
        async with ears.stream(language=self._language, conn_options=_ONCE) as stream:
            self._listening = stream
            async for event in stream:
                self._event_ch.send_nowait(event)
                if (used := event.recognition_usage) is not None:
                    tokens = Amounts(
                        input_tokens=used.input_tokens, output_tokens=used.output_tokens
                    )
                    count(self._model, tokens)
                if event.type is not stt.SpeechEventType.FINAL_TRANSCRIPT:
                    continue
                if is_first:
                    self._hearing.standby.works()
                elif not self._hearing.standby.rests:
                    return
        if not self._over:
            raise APIConnectionError("It has stopped listening.")

    async def _forward(self) -> None:
        async for item in self._input_ch:
            if self._listening is None:
                continue
            with suppress(RuntimeError):  # it has just failed.
                if isinstance(item, rtc.AudioFrame):
                    self._listening.push_frame(item)
                    count(self._model, Amounts(audio_ms=round(item.duration * 1000)))
                else:
                    self._listening.flush()
        self._over = True
        if self._listening is not None:
            with suppress(RuntimeError):
                self._listening.end_input()
