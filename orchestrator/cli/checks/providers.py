"""Do those who hear, speak, think and find passages do it? Each is asked for a little of its work.

A LiveKit plugin is tried by a process of its own: it costs seconds to import, and the front never
imports one.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.cli.checks.finding import Finding, Patient, broken, ok
from sessions.errors import ConfigurationError
from sessions.providers import Provider, Slot, check_providers, provider_of, setting

if TYPE_CHECKING:
    import httpx

_SPOKEN = Path(__file__).parent / "hello.wav"
"""Somebody who says hello."""

_PLUGIN_SECONDS = 60.0
_DOES = {
    Slot.STT: "hears a word",
    Slot.TTS: "says a word",
    Slot.LLM: "words an answer",
    Slot.EMBEDDINGS: "makes an embedding",
}

Ask = Callable[["httpx.Client", Patient, Provider], bool]
"""Asks for a little work; tells whether what came back is any good."""


def check_choice(patient: Patient) -> Finding:
    """Check that the providers are configured as every process wants them at its start."""
    try:
        check_providers(patient.settings)
    except ConfigurationError as error:
        return broken(str(error))
    names = [f"{slot} by {_name(provider_of(patient.settings, slot))}" for slot in Slot]
    return ok(f"{', '.join(names)}.")


def check_hearing(patient: Patient) -> Finding:
    """Check that a word is heard."""
    return _try(patient, Slot.STT, _hear)


def check_speech(patient: Patient) -> Finding:
    """Check that a word is spoken."""
    return _try(patient, Slot.TTS, _speak)


def check_thinking(patient: Patient) -> Finding:
    """Check that an answer is worded, where somebody is to do it."""
    return _try(patient, Slot.LLM, _think)


def check_embeddings(patient: Patient) -> Finding:
    """Check that an embedding is made."""
    return _try(patient, Slot.EMBEDDINGS, _embed)


def _try(patient: Patient, slot: Slot, ask: Ask) -> Finding:
    try:
        provider = provider_of(patient.settings, slot)
    except ConfigurationError as error:
        return broken(str(error))
    if provider is None:
        return ok("No LLM is configured: answers are passages of the knowledge base.")
    return _try_plugin(provider) if provider.plugin else _try_server(patient, provider, ask)


def _try_server(patient: Patient, provider: Provider, ask: Ask) -> Finding:
    import httpx

    seconds = patient.settings.provider_stall_seconds
    headers = {"Authorization": f"Bearer {provider.key.get_secret_value()}"}
    does = _DOES[provider.slot]
    began = time.monotonic()
    try:
        with httpx.Client(base_url=provider.url, headers=headers, timeout=seconds) as client:
            well = ask(client, patient, provider)
    except ConfigurationError as error:
        return broken(str(error))
    except httpx.HTTPStatusError as error:
        status, text = error.response.status_code, error.response.text[:200]
        return broken(f"{provider.url} refuses ({status}): {text} {_what_to_do(provider)}")
    except httpx.TransportError:
        problem = f"Nobody {does} at {provider.url} within {seconds:g} s. Look at its log."
        return broken(f"{problem} {_what_to_do(provider)}")
    except (ValueError, LookupError, TypeError):
        well = False
    if not well:
        problem = f"{provider.url} answers, and not as OpenAI's servers do."
        return broken(f"{problem} {_what_to_do(provider)}")
    took = (time.monotonic() - began) * 1000
    return ok(f"{provider.url} {does} with {provider.model} in {took:.0f} ms.")


def _try_plugin(provider: Provider) -> Finding:
    command = [sys.executable, "-m", "agents.providers.trial", provider.slot, str(_SPOKEN)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PLUGIN_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return broken(f"{_name(provider)} has not answered in {_PLUGIN_SECONDS:g} s.")
    last = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()[-1:]
    detail = last[0] if last else f"{_name(provider)} ended with {done.returncode}."
    return ok(detail) if done.returncode == 0 else broken(detail)


def _hear(client: httpx.Client, patient: Patient, provider: Provider) -> bool:
    file = ("hello.wav", _SPOKEN.read_bytes(), "audio/wav")
    data = {"model": provider.model, "language": "en"}
    answer = client.post("/audio/transcriptions", data=data, files={"file": file})
    answer.raise_for_status()
    return bool(answer.json()["text"].strip())


def _speak(client: httpx.Client, patient: Patient, provider: Provider) -> bool:
    from sessions.providers import voice_at
    from sessions.voices import load_voices

    settings = patient.settings
    voice = load_voices(settings.voices_file).find(settings.default_voice)
    body = {
        "model": provider.model,
        "voice": voice_at(settings, provider, voice),
        "input": "Yes.",
        "response_format": "pcm",
    }
    answer = client.post("/audio/speech", json=body)
    answer.raise_for_status()
    return len(answer.content) > 0


def _think(client: httpx.Client, patient: Patient, provider: Provider) -> bool:
    messages = [{"role": "user", "content": "Say yes."}]
    body: dict[str, Any] = {"model": provider.model, "messages": messages, "stream": True}
    with client.stream("POST", "/chat/completions", json=body) as answer:
        if answer.is_error:
            answer.read()
        answer.raise_for_status()
        return any(line.startswith("data:") for line in answer.iter_lines())


def _embed(client: httpx.Client, patient: Patient, provider: Provider) -> bool:
    answer = client.post("/embeddings", json={"model": provider.model, "input": ["Yes."]})
    answer.raise_for_status()
    return len(answer.json()["data"][0]["embedding"]) > 0


def _name(provider: Provider | None) -> str:
    if provider is None:
        return "nobody"
    if provider.plugin:
        return f"the plugin {provider.plugin}"
    return "the house's own server" if provider.embedded else provider.url


def _what_to_do(provider: Provider) -> str:
    if provider.embedded:
        return "Start it (`make run` does), or set SWITCHBOARD_INFERENCE_URL to where it is."
    names = [setting(provider.slot, part) for part in ("url", "key", "model")]
    return f"Look at {', '.join(names[:-1])} and {names[-1]}."
