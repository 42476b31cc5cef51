"""What does the caller say? Speech in 24 kHz mono, from a file or from the house's voice."""

from __future__ import annotations

import wave
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sessions.settings import Settings

RATE = 24_000
"""What the agent's track carries and the house's own voice speaks."""

Samples = NDArray[np.int16]

_TIMEOUT_SECONDS = 30.0
_CALLERS_VOICE = "Ashley"
_STEREO = 2
_SAMPLE_BYTES = 2


def read_wav(path: Path) -> Samples:
    """Return a WAV file of 16-bit samples, mono or stereo, of any rate, as the caller's speech."""
    try:
        with wave.open(str(path), "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            content = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise click.ClickException(f"{path} cannot be read as a WAV file: {error}.") from None
    if width != _SAMPLE_BYTES or channels not in (1, _STEREO):
        raise click.ClickException(
            f"{path} has {channels} channels of {8 * width} bits; it must have one or two of 16."
        )
    samples = np.frombuffer(content, np.int16)
    if channels == _STEREO:
        # In 32 bits, where the sum of two loud channels fits.
        samples = (samples.reshape(-1, 2).astype(np.int32).sum(axis=1) // 2).astype(np.int16)
    return samples if rate == RATE else _resample(samples, rate)


def write_wav(path: Path, samples: Samples) -> None:
    """Write a recording."""
    try:
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(_SAMPLE_BYTES)
            file.setframerate(RATE)
            file.writeframes(samples.tobytes())
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from None


def synthesise(text: str, settings: Settings) -> Samples:
    """Return ``text`` as speech in a voice of the house."""
    import httpx

    body = {
        "model": "tts-1",
        "voice": _CALLERS_VOICE,
        "input": text,
        "response_format": "pcm",
    }
    headers = {"Authorization": f"Bearer {settings.inference_key.get_secret_value()}"}
    url = f"{settings.inference_url.rstrip('/')}/audio/speech"
    try:
        answer = httpx.post(url, json=body, headers=headers, timeout=_TIMEOUT_SECONDS)
    except httpx.HTTPError as error:
        raise click.ClickException(
            f"Nothing speaks at {settings.inference_url} ({type(error).__name__}): `make run` "
            "starts the model server; SWITCHBOARD_INFERENCE_URL says where it is."
        ) from None
    if answer.status_code != HTTPStatus.OK:
        raise click.ClickException(
            f"{url} answers {answer.status_code} to the text to say: {answer.text[:200]}"
        )
    whole = len(answer.content) // _SAMPLE_BYTES * _SAMPLE_BYTES
    return np.frombuffer(answer.content[:whole], np.int16)


def _resample(samples: Samples, rate: int) -> Samples:
    from livekit import rtc

    resampler = rtc.AudioResampler(rate, RATE, quality=rtc.AudioResamplerQuality.HIGH)
    frames = [*resampler.push(bytearray(samples.tobytes())), *resampler.flush()]
    return np.concatenate(
        [np.zeros(0, np.int16), *(np.frombuffer(frame.data, np.int16) for frame in frames)]
    )
