"""What is heard in a file, whatever kind of file it is?"""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from itertools import chain
from typing import Final

import av
import numpy as np
import soxr
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE: Final = 16_000
"""What Whisper hears: mono at this rate, -1 to 1."""

# Formats that only hold sound: a playlist would make the decoder open whatever it names.
_FORMATS = "wav,mp3,ogg,flac,matroska,webm,mov,mp4,m4a,aac,aiff,au,amr"


class SoundError(ValueError):
    """No sound can be read, or too much of it; the message says which."""


def read_sound(content: bytes, longest_seconds: float) -> Floats:
    """Return the sound in a WAV, MP3, Ogg, WebM, FLAC or MP4 file; raises `SoundError`."""
    samples = _read_plain_wav(content, longest_seconds)
    return _decode(content, longest_seconds) if samples is None else samples


def _read_plain_wav(content: bytes, longest_seconds: float) -> Floats | None:
    """Return what a 16-bit WAV holds, the usual case and the quick one; None for anything else."""
    try:
        with wave.open(io.BytesIO(content)) as reader:
            rate, channels = reader.getframerate(), reader.getnchannels()
            if reader.getsampwidth() != 2 or rate < 1:
                return None
            # A header written before the end of a recording promises more than there is.
            count = min(reader.getnframes(), len(content) // (2 * channels))
            _check_length(count / rate, longest_seconds)
            frames = reader.readframes(count)
    except (wave.Error, EOFError):
        return None
    whole = len(frames) // (2 * channels) * channels
    samples = np.frombuffer(frames, "<i2", whole).reshape(-1, channels).mean(1, dtype=np.float32)
    samples /= np.float32(32768)
    return samples if rate == RATE else soxr.resample(samples, rate, RATE).astype(np.float32)


def _decode(content: bytes, longest_seconds: float) -> Floats:
    blocks: list[Floats] = []
    try:
        with av.open(io.BytesIO(content), "r", options={"format_whitelist": _FORMATS}) as container:
            if not container.streams.audio:
                raise SoundError("there is no sound in it")
            heard = 0
            for block in _resampled(container):
                blocks.append(block)
                heard += len(block)
                _check_length(heard / RATE, longest_seconds)
    except (FFmpegError, EOFError) as error:
        if not blocks:
            raise SoundError("it is no sound file that can be read") from error
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _resampled(container: InputContainer) -> Iterator[Floats]:
    resampler = AudioResampler(format="flt", layout="mono", rate=RATE)
    for frame in chain(container.decode(container.streams.audio[0]), [None]):
        if frame is not None:
            frame.pts = None  # Holes in the stamps of a live recording are no silence.
        for block in resampler.resample(frame):
            yield np.asarray(block.to_ndarray(), np.float32).reshape(-1)


def _check_length(seconds: float, longest_seconds: float) -> None:
    if seconds > longest_seconds:
        raise SoundError(f"it is too long; at most {longest_seconds:g} seconds can be transcribed")
