"""A LiveKit plugin that listens all the time; at each flush it hears or fails, as scripted."""

from __future__ import annotations

from collections import deque

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions, LanguageCode, stt
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.agents.utils import AudioBuffer

__all__ = ["STT"]


class STT(stt.STT):
    """Ears with a script."""

    def __init__(self, *, language: str = "", api_key: str = "") -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=False))
        self.language = language
        self.api_key = api_key
        self.script: deque[str | Exception] = deque()

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        return _Stream(self, conn_options)

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        raise NotImplementedError("This plugin only streams.")


class _Stream(stt.RecognizeStream):
    def __init__(self, ears: STT, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=ears, conn_options=conn_options)
        self._script = ears.script

    async def _run(self) -> None:
        async for item in self._input_ch:
            if not isinstance(item, self._FlushSentinel) or not self._script:
                continue
            heard = self._script.popleft()
            if isinstance(heard, Exception):
                raise heard
            data = stt.SpeechData(language=LanguageCode("en"), text=heard)
            kind = stt.SpeechEventType.FINAL_TRANSCRIPT
            self._event_ch.send_nowait(stt.SpeechEvent(kind, alternatives=[data]))
