"""Who hears, speaks, thinks and finds passages for the agents?

Each of the four slots has its provider: an OpenAI-compatible server, an installed LiveKit plugin,
or the house's own model server.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import SecretStr

from sessions.errors import ConfigurationError
from sessions.plugins import check_plugin
from sessions.settings import Settings
from sessions.voices import Voice, load_voices

EMBEDDED = EMBEDDED_COLUMN = "embedded"
"""The column of the voice catalogue that belongs to the house's own model server."""


class Slot(StrEnum):
    """What a provider is needed for; the value is the middle of its settings' names."""

    STT = "stt"
    TTS = "tts"
    LLM = "llm"
    EMBEDDINGS = "embeddings"


_EMBEDDED_MODELS = {Slot.STT: "whisper-1", Slot.TTS: "tts-1", Slot.EMBEDDINGS: "minilm"}


@dataclass(frozen=True, slots=True)
class Provider:
    """Where one slot is served. ``plugin`` is empty where a URL is meant."""

    slot: Slot
    url: str
    key: SecretStr
    model: str
    plugin: str = ""
    embedded: bool = False

    @property
    def name(self) -> str:
        """Return what it is called where its work is counted: not where exactly it is."""
        if self.embedded:
            return EMBEDDED
        return self.plugin or urlsplit(self.url).hostname or ""


def embedded(settings: Settings, slot: Slot) -> Provider | None:
    """Return the house's own provider for ``slot``; nothing of the house thinks."""
    model = _EMBEDDED_MODELS.get(slot)
    if model is None:
        return None
    return Provider(slot, settings.inference_url, settings.inference_key, model, embedded=True)


def provider_of(settings: Settings, slot: Slot) -> Provider | None:
    """Return who serves ``slot``, or ``None`` where nobody does: only thinking may be missing.

    Raises:
        ConfigurationError: the slot's settings contradict each other or lack something.
    """
    url, key, model = (getattr(settings, f"{slot}_{part}") for part in ("url", "key", "model"))
    # LiveKit has no plugins that make embeddings.
    plugin: str = getattr(settings, f"{slot}_plugin", "")
    by_url, by_plugin = setting(slot, "url"), setting(slot, "plugin")
    if plugin and url:
        raise ConfigurationError(
            f"{by_url} and {by_plugin} are two ways to name one provider: set one of them."
        )
    if plugin:
        return Provider(slot, "", key, model, plugin)
    if not url and model:
        ways = by_url if slot is Slot.EMBEDDINGS else f"{by_url} or {by_plugin}"
        raise ConfigurationError(
            f"{setting(slot, 'model')} is {model}, and nobody is named who has it: set {ways}."
        )
    if not url or url == settings.inference_url:
        return embedded(settings, slot)
    _check_url(by_url, url)
    if not model:
        raise ConfigurationError(
            f"{by_url} is set: name the model there in {setting(slot, 'model')}."
        )
    return Provider(slot, url, key, model)


def providers_of(settings: Settings, slot: Slot) -> tuple[Provider, Provider]:
    """Return who serves ``slot`` and the house's own provider, which may be the same.

    Raises:
        ConfigurationError: see ``provider_of``; or the house has no provider of its own.
    """
    provider, own = provider_of(settings, slot), embedded(settings, slot)
    if provider is None or own is None:
        raise ConfigurationError(f"{setting(slot, 'url')} is not set, and nobody else does that.")
    return provider, own


def voice_at(settings: Settings, provider: Provider, voice: Voice) -> str:
    """Return what the ``provider`` that speaks calls ``voice``.

    Raises:
        ConfigurationError: the voice catalogue does not say.
    """
    return voice.id_for(EMBEDDED_COLUMN if provider.embedded else settings.tts_provider)


def uses_embedded(settings: Settings) -> bool:
    """Tell whether any slot is served by the house's own model server."""
    providers = (provider_of(settings, slot) for slot in Slot)
    return any(provider is not None and provider.embedded for provider in providers)


def check_providers(settings: Settings) -> None:
    """Look at the settings of every slot, as every process does that starts.

    Raises:
        ConfigurationError: what is missing or wrong, and what to do.
    """
    _check_url("SWITCHBOARD_INFERENCE_URL", settings.inference_url)
    for slot in Slot:
        provider = provider_of(settings, slot)
        if provider is not None and provider.plugin:
            check_plugin(setting(slot, "plugin"), provider.plugin, slot.upper())
        if provider is not None and slot is Slot.TTS:
            _check_voices(settings, provider)


def setting(slot: Slot, part: str) -> str:
    """Return the name of the variable that sets one part of a slot."""
    return f"SWITCHBOARD_{slot}_{part}".upper()


def _check_url(name: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        well_formed = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        well_formed = False
    if not well_formed:
        raise ConfigurationError(
            f"{name} is {url!r}, which is no address: it must be like https://host/v1."
        )


def _check_voices(settings: Settings, provider: Provider) -> None:
    column = settings.tts_provider
    if provider.embedded and column != EMBEDDED_COLUMN:
        raise ConfigurationError(
            f"SWITCHBOARD_TTS_PROVIDER is {column!r}, and the house's own server speaks: "
            "set SWITCHBOARD_TTS_URL or SWITCHBOARD_TTS_PLUGIN, or leave it out."
        )
    if provider.plugin and column == EMBEDDED_COLUMN:
        raise ConfigurationError(
            f"SWITCHBOARD_TTS_PLUGIN is {provider.plugin}: name the column of the voice "
            "catalogue that has its voices in SWITCHBOARD_TTS_PROVIDER."
        )
    voices = load_voices(settings.voices_file)
    if missing := [voice.name for voice in voices if column not in voice.provider_ids]:
        raise ConfigurationError(
            f"The voice catalogue has no {column!r} name for {', '.join(missing)}: add the "
            "column to a catalogue of your own (SWITCHBOARD_VOICES_FILE), or name another one "
            "in SWITCHBOARD_TTS_PROVIDER."
        )
