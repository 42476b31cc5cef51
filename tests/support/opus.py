"""What is said, as the frames in which Opus travels, and back."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import numpy as np
from av import AudioFrame, AudioResampler, CodecContext, Packet
from av.audio.codeccontext import AudioCodecContext

from tests.support.speech import RATE, Samples

_OPUS_RATE = 48_000
_FRAME = _OPUS_RATE // 50


def encoded(samples: Samples) -> list[bytes]:
    """Return speech as frames of 20 ms."""
    encoder = _codec("w")
    encoder.time_base = Fraction(1, _OPUS_RATE)
    resampler = AudioResampler(format="s16", layout="mono", rate=_OPUS_RATE, frame_size=_FRAME)
    frame = AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
    frame.sample_rate = RATE
    whole = [*resampler.resample(frame), *resampler.resample(None)]
    packets = [packet for part in whole for packet in encoder.encode(part)]
    return [bytes(packet) for packet in [*packets, *encoder.encode(None)]]


class Decoder:
    """Makes samples of the frames of one stream."""

    def __init__(self) -> None:
        self._codec = _codec("r")
        self._resampler = AudioResampler(format="s16", layout="mono", rate=RATE)

    def decode(self, frame: bytes) -> Samples:
        """Return what is to be heard of the next frame."""
        parts = [
            part.to_ndarray().reshape(-1)
            for decoded in self._codec.decode(Packet(frame))
            for part in self._resampler.resample(decoded)
        ]
        return np.concatenate([np.zeros(0, np.int16), *parts]).astype(np.int16)


def _codec(mode: Literal["r", "w"]) -> AudioCodecContext:
    codec = CodecContext.create("libopus", mode)
    assert isinstance(codec, AudioCodecContext)
    codec.sample_rate = _OPUS_RATE
    codec.format = "s16"
    codec.layout = "mono"
    return codec
