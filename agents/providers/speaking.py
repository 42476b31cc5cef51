"""Who speaks for the agent, and what does the caller hear when that fails in mid-sentence?

Each sentence is a request of its own. One that fails is said again from its beginning by whoever
stands in; what was heard of it stays heard.
"""

from __future__ import annotations

from functools import partial

from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    APIConnectionError,
    APIConnectOptions,
    tokenize,
    tts,
    utils,
)
from livekit.agents.types import TimedString
from livekit.plugins import openai

from agents.providers.clients import Clients
from agents.providers.plugins import make_plugin
from agents.providers.standby import Named, Standby, unless_silent
from agents.providers.trouble import Trouble
from sessions.errors import ProviderError
from sessions.metering import asking, count
from sessions.providers import (
    EMBEDDED_COLUMN,
    Provider,
    Slot,
    providers_of,
    voice_at,
)
from sessions.settings import Settings
from sessions.usage import Amounts
from sessions.voices import Voice, load_voices

SAMPLE_RATE = 24_000

_sentences = tokenize.blingfire.SentenceTokenizer(retain_format=True)


def make_tts(settings: Settings, clients: Clients, voice_id: str, trouble: Trouble) -> tts.TTS:
    """Return the speech synthesis for one voice of the catalogue.

    Raises:
        UnknownVoiceError: the voice is not in the catalogue.
        ConfigurationError: the catalogue has no name for it at the configured provider.
    """
    voice = load_voices(settings.voices_file).find(voice_id)
    provider, own = providers_of(settings, Slot.TTS)
    first = _speaker(settings, clients, provider, voice)
    second = None if provider.embedded else _stand_in(settings, clients, own, voice)
    return Speech(Standby(Slot.TTS, first, settings, trouble), second, settings, trouble)


def _speaker(settings: Settings, clients: Clients, provider: Provider, voice: Voice) -> tts.TTS:
    name = voice_at(settings, provider, voice)
    if provider.plugin:
        return make_plugin(provider, voice=name)
    return openai.TTS(
        client=clients.of(provider), model=provider.model, voice=name, response_format="pcm"
    )


def _stand_in(settings: Settings, clients: Clients, own: Provider, voice: Voice) -> tts.TTS | None:
    """Return the house's own speech, if it has that voice."""
    if EMBEDDED_COLUMN not in voice.provider_ids:
        return None
    return _speaker(settings, clients, own, voice)


class Speech(Named, tts.TTS):
    """Speech by the configured provider, or by whoever stands in: 24 kHz mono."""

    def __init__(
        self,
        standby: Standby[tts.TTS],
        stand_in: tts.TTS | None,
        settings: Settings,
        trouble: Trouble,
    ) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
        )
        self.standby = standby
        self.stand_in = stand_in
        self.settings = settings
        self.trouble = trouble
        self.was_heard = False

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        """Return the audio of a text, sentence by sentence."""
        return _Spoken(self, text, conn_options)

    async def aclose(self) -> None:
        """Close what the provider and its stand-in have opened."""
        for one in (self.standby.first, self.stand_in):
            if one is not None:
                await one.aclose()


class _Spoken(tts.ChunkedStream):
    # Whoever speaks has a span of its own.
    _tts_attempt_span_name = None

    def __init__(self, speech: Speech, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=speech, input_text=text, conn_options=conn_options)
        self._speech = speech
        self._stall_seconds = speech.settings.provider_stall_seconds

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
            mime_type="audio/pcm",
        )
        speech = self._speech
        try:
            for sentence in _sentences.tokenize(self.input_text):
                if sentence.strip():
                    # So that whoever plays it can tell where the sentence begins.
                    output_emitter.push_timed_transcript(TimedString(sentence))
                    say = partial(self._say, output_emitter, sentence)
                    await speech.standby.use(say, speech.stand_in)
        except ProviderError as error:
            speech.trouble.gave_up(Slot.TTS, error)
            raise APIConnectionError(str(error), retryable=False) from error

    async def _say(self, emitter: tts.AudioEmitter, sentence: str, speaker: tts.TTS) -> None:
        trouble, apology = self._speech.trouble, self._speech.settings.apology_line
        # Who has heard nothing yet needs no apology.
        if trouble.owes_apology and self._speech.was_heard and apology:
            await self._relay(emitter, apology, speaker)
        trouble.owes_apology = False
        await self._relay(emitter, sentence, speaker)

    async def _relay(self, emitter: tts.AudioEmitter, text: str, speaker: tts.TTS) -> None:
        resampler = _resampler(speaker)
        options = APIConnectOptions(max_retry=0, timeout=self._stall_seconds)
        model = self._speech.standby.counted(speaker)
        with asking(model, characters=len(text)):
            async with speaker.synthesize(text, conn_options=options) as stream:
                async for audio in unless_silent(stream, self._stall_seconds):
                    count(model, Amounts(audio_ms=round(audio.frame.duration * 1000)))
                    frames = [audio.frame] if resampler is None else resampler.push(audio.frame)
                    for frame in frames:
                        emitter.push_frame(frame)
                    self._speech.was_heard = True
        for frame in [] if resampler is None else resampler.flush():
            emitter.push_frame(frame)
        emitter.flush()


def _resampler(speaker: tts.TTS) -> rtc.AudioResampler | None:
    if speaker.sample_rate == SAMPLE_RATE:
        return None
    return rtc.AudioResampler(input_rate=speaker.sample_rate, output_rate=SAMPLE_RATE)
