"""What can be made ready before anybody calls, so that a start only connects?

``prepare`` is for the parent: what it imports and builds is shared by every child it forks.
``warm`` is for a child: it starts what does not survive a fork.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import cache
from typing import Any

import openai
from livekit import rtc
from livekit.agents import inference, utils, vad

from sessions.errors import ConfigurationError
from sessions.providers import Slot, provider_of
from sessions.settings import Settings

_IMPORTED_ON_FIRST_USE = (
    "anyio._backends._asyncio",
    "h11",
    "httpcore2._async",
    "httpcore2._backends.anyio",
    "livekit.agents.llm.async_toolset",
    "numpy.fft",
    "openai.resources.audio",
    "truststore",
)
"""Modules that libraries load in the middle of their first request."""

_NOBODY = "ws://127.0.0.1:9"
_NOBODY_SECONDS = 0.02


@dataclass(frozen=True)
class Prepared:
    """Parts of an agent that can be made before a fork."""

    speech_client: openai.AsyncClient
    speech_model: str


@dataclass(frozen=True)
class Warm:
    """Parts of an agent that do not depend on the call."""

    prepared: Prepared
    vad: vad.VAD
    track: rtc.LocalAudioTrack
    """Kept, not used: the native library stays ready as long as it has one."""


def prepare(settings: Settings) -> Prepared:
    """Import what calls will need and build the provider clients, without opening a connection."""
    provider = provider_of(settings, Slot.TTS)
    if provider is None or provider.plugin:
        raise ConfigurationError("Speech by a LiveKit plugin is not built yet.")
    return _prepared(provider.url, provider.key.get_secret_value(), provider.model)


def warm(settings: Settings) -> Warm:
    """Make this process ready for a call.

    Starts LiveKit's FFI, which does not survive a fork: never call this in a process that forks.
    """
    return Warm(prepare(settings), *_start_native_parts())


@cache
def _prepared(tts_url: str, tts_key: str, tts_model: str) -> Prepared:
    for name in _IMPORTED_ON_FIRST_USE:
        importlib.import_module(name)
    _run(_load_certificates())
    client = openai.AsyncClient(base_url=tts_url, api_key=tts_key, max_retries=0)
    return Prepared(client, tts_model)


@cache
def _start_native_parts() -> tuple[vad.VAD, rtc.LocalAudioTrack]:
    source = rtc.AudioSource(sample_rate=48_000, num_channels=1)
    track = rtc.LocalAudioTrack.create_audio_track("warm", source)
    _run(_connect_to_nobody())
    return inference.VAD(), track


async def _load_certificates() -> None:
    """Let LiveKit's HTTP client read the CA bundle once, and not in every call."""
    async with utils.http_context.open():
        pass


async def _connect_to_nobody() -> None:
    """Fail to connect: what the native library sets up for that, it does not set up again."""
    native = logging.getLogger("livekit")
    level = native.level
    native.setLevel(logging.CRITICAL)
    try:
        options = rtc.RoomOptions(connect_timeout=_NOBODY_SECONDS)
        await rtc.Room().connect(_NOBODY, "", options)
    except rtc.ConnectError:
        pass
    finally:
        native.setLevel(level)


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` on a loop of its own; ``asyncio.run`` would leave the thread without one."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()
