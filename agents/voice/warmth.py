"""What can be made ready before anybody calls, so that a start only connects?

``prepare`` is for the parent: what it imports and builds is shared by every child it forks.
``warm`` is for a child: it starts what does not survive a fork.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache

import openai
from livekit import rtc
from livekit.agents import inference, vad

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


@dataclass(frozen=True)
class Prepared:
    """Parts of an agent that can be made before a fork."""

    speech_client: openai.AsyncClient


@dataclass(frozen=True)
class Warm:
    """Parts of an agent that do not depend on the call."""

    prepared: Prepared
    vad: vad.VAD


@cache
def _prepared(tts_url: str, tts_key: str) -> Prepared:
    return Prepared(openai.AsyncClient(base_url=tts_url, api_key=tts_key, max_retries=0))


def prepare(settings: Settings) -> Prepared:
    """Import what calls will need and build the provider clients, without opening a connection."""
    for name in _IMPORTED_ON_FIRST_USE:
        importlib.import_module(name)
    return _prepared(settings.tts_url, settings.tts_key.get_secret_value())


@cache
def _start_native_parts() -> vad.VAD:
    rtc.AudioSource(sample_rate=48_000, num_channels=1)
    return inference.VAD()


def warm(settings: Settings) -> Warm:
    """Make this process ready for a call.

    Starts LiveKit's FFI, which does not survive a fork: never call this in a process that forks.
    """
    return Warm(prepared=prepare(settings), vad=_start_native_parts())
