"""What can be made ready before anybody calls, so that a start only connects?

``prepare`` is for the parent: what it imports and builds is shared by every child it forks.
``warm`` is for a child: it starts what does not survive a fork.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from livekit import local_inference, rtc
from livekit.agents import inference, utils, vad
from livekit.agents.tokenize.basic import WordTokenizer, hyphenate_word
from livekit.agents.tokenize.blingfire import SentenceTokenizer

from agents.knowledge.answering import Answerer, Question
from agents.providers import Clients, build_clients
from agents.registry import prepare_agents
from agents.voice.heaps import limit_heaps
from agents.voice.joining import room_options
from sessions.errors import SwitchboardError
from sessions.questions.embeddings import Embedder
from sessions.questions.intents import Intents
from sessions.settings import Settings

_IMPORTED_ON_FIRST_USE = (
    "anyio._backends._asyncio",
    "h11",
    "httpcore",
    "httpcore2._async",
    "httpcore2._backends.anyio",
    "livekit.agents.llm.async_toolset",
    "numpy.fft",
    "openai.resources.audio.audio",
    "openai.resources.audio.speech",
    "openai.resources.audio.transcriptions",
    "truststore",
)
"""Modules that libraries load in the middle of their first request."""

_GREETING = "Hello there. Good morning."

_prepared: Prepared | None = None

_NOBODY = "ws://127.0.0.1:9"
_NOBODY_SECONDS = 0.02
_SAID_ANYHOW = (
    "rtc_engine - failed to connect",
    "error while connecting to a room",
    "signal connection failed on v0 path",
)
"""What the native library says of a room that could not be joined, as does whoever joins."""


@dataclass(frozen=True)
class Prepared:
    """Parts of an agent that can be made before a fork."""

    settings: Settings
    clients: Clients
    answerer: Answerer
    intents: Intents
    embedder: Embedder

    def task_type_of(self, message: str) -> str:
        """Return what a message is about."""
        return self.intents.task_type_of(message, self.embedder)

    def look_up_once(self) -> None:
        """Ask something, so that the first question of a caller waits for no phrases or passages.

        Whoever makes embeddings may not be up yet: then the first question waits after all.
        """
        self.task_type_of(_GREETING)
        with contextlib.suppress(SwitchboardError):
            self.answerer.prepare(Question(_GREETING))
        self.answerer.preload([self.settings.default_knowledge])
        self.answerer.close()
        self.embedder.close()


@dataclass(frozen=True)
class Warm:
    """Parts of an agent that do not depend on the call."""

    prepared: Prepared
    vad: vad.VAD
    track: rtc.LocalAudioTrack
    """Kept, not used: the native library stays ready as long as it has one."""


def prepare(settings: Settings) -> Prepared:
    """Import and build what calls will need, without leaving a connection open."""
    global _prepared
    if _prepared is None or _prepared.settings is not settings:
        for name in _IMPORTED_ON_FIRST_USE:
            importlib.import_module(name)
        limit_heaps()
        _run(_load_certificates())
        _use_once()
        prepare_agents(settings)
        _prepared = Prepared(
            settings,
            build_clients(settings),
            Answerer(settings),
            Intents.load(settings),
            Embedder(settings),
        )
        _prepared.look_up_once()
    return _prepared


def warm(settings: Settings) -> Warm:
    """Make this process ready for a call.

    Starts LiveKit's FFI, which does not survive a fork: never call this in a process that forks.
    """
    return Warm(prepare(settings), *_start_native_parts())


def _use_once() -> None:
    """Let libraries load the data that they keep, here and not in each call."""
    SentenceTokenizer().tokenize(_GREETING)
    WordTokenizer().tokenize(_GREETING)
    hyphenate_word(_GREETING)
    window = np.zeros(local_inference.VAD_WINDOW_SAMPLES, np.int16)
    local_inference.VAD().predict(window)


@cache
def _start_native_parts() -> tuple[vad.VAD, rtc.LocalAudioTrack]:
    source = rtc.AudioSource(sample_rate=48_000, num_channels=1)
    track = rtc.LocalAudioTrack.create_audio_track("warm", source)
    _run(_connect_to_nobody())
    # One thread for all that listens in a call: the session, and whoever transcribes for it.
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="voices")
    return inference.VAD(executor=thread), track


async def _load_certificates() -> None:
    """Let LiveKit's HTTP client read the CA bundle once, and not in every call."""
    async with utils.http_context.open():
        pass


async def _connect_to_nobody() -> None:
    """Fail to connect: what the native library sets up for that, it does not set up again."""
    logging.getLogger("livekit").addFilter(_is_news)
    with contextlib.suppress(rtc.ConnectError):
        await rtc.Room().connect(_NOBODY, "", room_options(_NOBODY_SECONDS))


def _is_news(record: logging.LogRecord) -> bool:
    """Tell whether a line of the native library, which may come late, is to be read."""
    return not any(said in record.getMessage() for said in _SAID_ANYHOW)


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` on a loop of its own; ``asyncio.run`` would leave the thread without one."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()
