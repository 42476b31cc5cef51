"""Who hears, speaks, thinks and finds passages for the agents?

Each of the four slots has its provider: an OpenAI-compatible server, an installed LiveKit plugin,
or the house's own model server.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import SecretStr

from sessions.errors import ConfigurationError
from sessions.settings import Settings


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
    prefix = f"SWITCHBOARD_{slot.upper()}"
    if plugin and url:
        raise ConfigurationError(
            f"{prefix}_URL and {prefix}_PLUGIN are two ways to name one provider: set one of them."
        )
    if plugin:
        return Provider(slot, "", key, model, plugin)
    if not url or url == settings.inference_url:
        return embedded(settings, slot)
    if not model:
        raise ConfigurationError(f"{prefix}_URL is set: name the model there in {prefix}_MODEL.")
    return Provider(slot, url, key, model)


def uses_embedded(settings: Settings) -> bool:
    """Tell whether any slot is served by the house's own model server."""
    providers = (provider_of(settings, slot) for slot in Slot)
    return any(provider is not None and provider.embedded for provider in providers)


def check_providers(settings: Settings) -> None:
    """Look at the settings of every slot.

    Raises:
        ConfigurationError: see ``provider_of``.
    """
    for slot in Slot:
        provider_of(settings, slot)
