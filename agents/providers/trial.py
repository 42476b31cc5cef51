"""Does the plugin that a slot names work? ``python -m agents.providers.trial SLOT WAV``.

Prints one sentence and ends with 0, or tells on stderr what is wrong and ends with 1.
"""

from __future__ import annotations

import asyncio
import sys
import time
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from livekit import rtc
from livekit.agents import llm, stt, utils

from agents.providers.plugins import make_plugin
from agents.providers.standby import unless_silent
from agents.providers.trouble import StalledError
from sessions.errors import ConfigurationError, ProviderError
from sessions.providers import Provider, Slot, provider_of, voice_at
from sessions.settings import Settings, get_settings
from sessions.voices import load_voices

_SECONDS = 15.0


def main(slot: Slot, spoken: Path) -> str:
    """Try the slot's plugin and return what it did.

    Raises:
        ConfigurationError: it cannot be made.
        ProviderError: it failed.
    """
    settings = get_settings()
    provider = provider_of(settings, slot)
    if provider is None or not provider.plugin:
        raise ConfigurationError(f"No plugin is named for {slot}.")
    plugin = make_plugin(provider, voice=_voice(settings, provider), language="en")
    began = time.monotonic()
    try:
        did = asyncio.run(_with_http(_TRIALS[slot], plugin, spoken))
    except Exception as error:
        raise ProviderError(
            f"The plugin {provider.plugin} fails: {type(error).__name__}: {error}"
        ) from error
    took = (time.monotonic() - began) * 1000
    return f"The plugin {provider.plugin} {did} in {took:.0f} ms."


async def _with_http(trial: Callable[[Any, Path], Awaitable[str]], plugin: Any, path: Path) -> str:
    async with utils.http_context.open():
        return await trial(plugin, path)


async def _speak(plugin: Any, _spoken: Path) -> str:
    async with plugin.synthesize("Yes.") as stream:
        async for _ in unless_silent(stream, _SECONDS):
            return "says a word"
    raise ProviderError("it said nothing.")


async def _think(plugin: Any, _spoken: Path) -> str:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="Say yes.")
    async with plugin.chat(chat_ctx=context) as stream:
        async for chunk in unless_silent(stream, _SECONDS):
            if chunk.has_response():
                return "words an answer"
    raise ProviderError("it answered nothing.")


async def _hear(plugin: Any, spoken: Path) -> str:
    frames = _frames(spoken)
    if not plugin.capabilities.streaming:
        event = await asyncio.wait_for(plugin.recognize(frames), _SECONDS)
        if event.alternatives and event.alternatives[0].text:
            return "hears a word"
        raise ProviderError("it heard nothing.")
    async with plugin.stream() as stream:
        async for _ in unless_silent(_finals(stream, frames), _SECONDS):
            return "hears a word"
    raise ProviderError("it heard nothing.")


async def _finals(stream: stt.RecognizeStream, frames: list[rtc.AudioFrame]) -> AsyncIterator[str]:
    for frame in frames:
        stream.push_frame(frame)
    stream.end_input()
    async for event in stream:
        if event.type is stt.SpeechEventType.FINAL_TRANSCRIPT and event.alternatives[0].text:
            yield event.alternatives[0].text


def _frames(spoken: Path) -> list[rtc.AudioFrame]:
    """Return the sound in pieces of 50 ms, with a second of silence behind it."""
    with wave.open(str(spoken)) as file:
        rate, sound = file.getframerate(), file.readframes(file.getnframes())
    sound += bytes(2 * rate)
    size = 2 * (rate // 20)
    pieces = [sound[at : at + size] for at in range(0, len(sound), size)]
    return [rtc.AudioFrame(piece, rate, 1, len(piece) // 2) for piece in pieces]


def _voice(settings: Settings, provider: Provider) -> str:
    if provider.slot is not Slot.TTS:
        return ""
    voice = load_voices(settings.voices_file).find(settings.default_voice)
    return voice_at(settings, provider, voice)


_TRIALS = {Slot.STT: _hear, Slot.TTS: _speak, Slot.LLM: _think}

if __name__ == "__main__":
    try:
        sys.stdout.write(main(Slot(sys.argv[1]), Path(sys.argv[2])) + "\n")
    except (ConfigurationError, ProviderError, StalledError) as error:
        sys.exit(str(error))
