"""Who hears for the agent, and what becomes of an utterance that a provider fails on?

A server hears a whole utterance at a time, so one that fails is heard again by whoever stands in.
What happens to a plugin that hears a stream is in ``streaming``.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import structlog
from livekit import rtc
from livekit.agents import APIConnectOptions, APIStatusError, LanguageCode, stt, vad
from livekit.agents.types import NOT_GIVEN, NotGivenOr
from livekit.agents.utils import AudioBuffer
from livekit.plugins import openai

from agents.providers.clients import Clients
from agents.providers.plugins import make_plugin
from agents.providers.standby import Named, Standby
from agents.providers.streaming import StreamedHearing
from agents.providers.trouble import StalledError, Trouble
from sessions.errors import ProviderError
from sessions.metering import asking
from sessions.providers import Provider, Slot, providers_of
from sessions.settings import Settings

_FALLBACK = "en"

_SECONDS_FOR_A_SECOND = 0.25
"""A long utterance may take longer: so much for each second of it."""


log = structlog.get_logger(__name__)


def make_transcriber(settings: Settings, clients: Clients, trouble: Trouble) -> stt.STT:
    """Return who hears whole utterances: a server, or a plugin that does not stream.

    Where nobody can hear, the call is told, and nothing is what was said.
    """
    provider, own = providers_of(settings, Slot.STT)
    first = _ears(clients, provider)
    second = None if provider.embedded else _ears(clients, own)
    return Transcriber(Standby(Slot.STT, first, settings, trouble), second, settings, trouble)


def make_stt_plugin(
    settings: Settings, clients: Clients, detector: vad.VAD, trouble: Trouble, language: str = ""
) -> stt.STT | None:
    """Return the plugin that hears a stream, with the house's own ears behind it, if there is one.

    Raises:
        ConfigurationError: the plugin refuses what is configured.
    """
    provider, own = providers_of(settings, Slot.STT)
    if not provider.plugin:
        return None
    plugin: stt.STT = make_plugin(provider, language=language)
    if not plugin.capabilities.streaming:
        return None
    at_home = Standby(Slot.STT, _ears(clients, own), settings, trouble)
    ears = stt.StreamAdapter(stt=Transcriber(at_home, None, settings, trouble), vad=detector)
    return StreamedHearing(Standby(Slot.STT, plugin, settings, trouble), ears)


class Transcriber(Named, stt.STT):
    """Hearing by the configured provider, or by whoever stands in."""

    def __init__(
        self,
        standby: Standby[stt.STT],
        stand_in: stt.STT | None,
        settings: Settings,
        trouble: Trouble,
    ) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self.standby = standby
        self._stand_in = stand_in
        self._trouble = trouble
        self._stall_seconds = settings.provider_stall_seconds

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        length = _length(buffer)
        allowed = self._stall_seconds + length * _SECONDS_FOR_A_SECOND
        options = APIConnectOptions(max_retry=0, timeout=self._stall_seconds)

        async def hear(ears: stt.STT) -> stt.SpeechEvent:
            nonlocal allowed
            # Ears that are slow and not away would be cut short each time, and nothing be heard.
            seconds, allowed = allowed, 2 * allowed
            try:
                with asking(self.standby.counted(ears), audio_ms=round(length * 1000)):
                    async with asyncio.timeout(seconds):
                        return await _recognize(ears, buffer, language, options)
            except TimeoutError:
                raise StalledError(seconds) from None

        try:
            return await self.standby.use(hear, self._stand_in)
        except ProviderError as error:
            self._trouble.gave_up(Slot.STT, error)
            nothing = stt.SpeechData(language=LanguageCode(language or ""), text="")
            return stt.SpeechEvent(stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[nothing])


async def _recognize(
    ears: stt.STT, buffer: AudioBuffer, language: NotGivenOr[str], options: APIConnectOptions
) -> stt.SpeechEvent:
    """Let ``ears`` hear; a language that they refuse is better heard as English than not at all."""
    try:
        return await ears.recognize(buffer, language=language, conn_options=options)
    except APIStatusError as error:
        if error.status_code != HTTPStatus.BAD_REQUEST or language in (NOT_GIVEN, "", _FALLBACK):
            raise
        log.warning("language_refused", language=language)
        return await ears.recognize(buffer, language=_FALLBACK, conn_options=options)


def _ears(clients: Clients, provider: Provider) -> stt.STT:
    if provider.plugin:
        return make_plugin(provider)
    return openai.STT(client=clients.of(provider), model=provider.model)


def _length(buffer: AudioBuffer) -> float:
    return rtc.combine_audio_frames(buffer).duration
