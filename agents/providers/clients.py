"""Which connections does an agent speak to its providers over? Made once, before any fork."""

from __future__ import annotations

import httpx2
import openai

from agents.providers.plugins import make_plugin
from sessions.providers import (
    Provider,
    Slot,
    check_providers,
    embedded,
    provider_of,
    voice_at,
)
from sessions.settings import Settings
from sessions.voices import load_voices

_KEEPALIVE_SECONDS = 60.0
"""Longer than a caller is silent: a connection closed meanwhile costs the answer a handshake."""


class Clients:
    """One client for each server, shared by all slots that it serves."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], openai.AsyncClient] = {}

    def of(self, provider: Provider) -> openai.AsyncClient:
        """Return the client of the server behind ``provider``; nothing is connected yet."""
        key = provider.key.get_secret_value()
        where = (provider.url, key)
        if where not in self._clients:
            self._clients[where] = openai.AsyncClient(
                base_url=provider.url,
                api_key=key,
                max_retries=0,
                http_client=openai.DefaultAsyncHttpxClient(
                    limits=httpx2.Limits(keepalive_expiry=_KEEPALIVE_SECONDS)
                ),
            )
        return self._clients[where]

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()


def build_clients(settings: Settings) -> Clients:
    """Make the clients that ``settings`` ask for and import the plugins, on the main thread.

    Raises:
        ConfigurationError: a slot is not configured as it should be.
    """
    check_providers(settings)
    clients = Clients()
    for slot in Slot:
        for provider in (provider_of(settings, slot), embedded(settings, slot)):
            if provider is None:
                continue
            if provider.plugin:
                _try_plugin(settings, provider)
            else:
                clients.of(provider)
    return clients


def _try_plugin(settings: Settings, provider: Provider) -> None:
    """Make a plugin once, which is how it tells that it lacks a key, and let go of it.

    Raises:
        ConfigurationError: it cannot be made.
    """
    voice = ""
    if provider.slot is Slot.TTS:
        default = load_voices(settings.voices_file).find(settings.default_voice)
        voice = voice_at(settings, provider, default)
    make_plugin(provider, voice=voice)
