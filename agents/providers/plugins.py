"""How is an installed LiveKit plugin made to speak, hear or think, whichever it is?

Plugins agree on their classes' names and on little else, so what each takes is read off its
signature.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from sessions.errors import ConfigurationError
from sessions.providers import Provider, setting

NO_KEY = "none"
"""The default of every key, for servers that ask for none."""

_VOICE_NAMES = ("voice", "voice_id", "voice_name", "speaker", "model")
"""What plugins call the voice; with some, the model is the voice."""


def load_plugin(provider: Provider) -> type[Any]:
    """Return the plugin's class for the slot. The first time must be on the main thread.

    Raises:
        ConfigurationError: it cannot be imported, or has no such class.
    """
    name = setting(provider.slot, "plugin")
    try:
        module = importlib.import_module(f"livekit.plugins.{provider.plugin}")
    except ImportError as error:
        raise ConfigurationError(
            f"{name} is {provider.plugin}, which cannot be imported ({error}). "
            f"Install livekit-plugins-{provider.plugin.replace('_', '-')} anew."
        ) from error
    found = getattr(module, provider.slot.upper(), None)
    if found is None:
        raise ConfigurationError(
            f"{name} is {provider.plugin}, which has no {provider.slot.upper()}. Name another."
        )
    return found


def make_plugin(provider: Provider, *, voice: str = "", language: str = "") -> Any:
    """Return an instance of the plugin with its key, model, voice and language.

    Raises:
        ConfigurationError: the plugin refuses what is configured, or lacks a key.
    """
    made = load_plugin(provider)
    takes = inspect.signature(made.__init__).parameters
    wanted = {"api_key": provider.key.get_secret_value(), "model": provider.model}
    wanted["language"] = language
    given = {name: value for name, value in wanted.items() if value and name in takes}
    if provider.key.get_secret_value() == NO_KEY:
        given.pop("api_key", None)
    if voice:
        slots = [name for name in _VOICE_NAMES if name in takes and name not in given]
        given.update(dict.fromkeys(slots[:1], voice))
    try:
        return made(**given)
    except Exception as error:
        name, key, model = (setting(provider.slot, part) for part in ("plugin", "key", "model"))
        raise ConfigurationError(
            f"{name} is {provider.plugin}, which refuses its settings ({error}). "
            f"Its key is {key}, its model {model}."
        ) from error
