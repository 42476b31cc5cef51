"""`POST /v1/audio/speech`: say this text in this voice.

The answer is always the audio itself. ``stream_format`` "sse" is not refused, since clients that
ask for it read what the content type says; ``instructions`` have no effect.
"""

from __future__ import annotations

import io
import time
import wave
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated, Literal

import structlog
from flask import Blueprint, Response, request
from pydantic import BaseModel, Field, StringConstraints

from inference.bodies import read_json
from inference.catalogue import find_model
from inference.engines import engines, loaded_engines
from inference.errors import ApiError
from inference.speaking import SAMPLE_BYTES, SAMPLE_RATE, Utterance
from inference.voices import UnknownVoiceError, Voice, find_voice

speech = Blueprint("speech", __name__)
log = structlog.get_logger(__name__)


class SpeechBody(BaseModel):
    """What OpenAI's speech endpoint takes, as far as it means something here."""

    model: str
    input: Annotated[str, StringConstraints(strict=True, min_length=1)]
    voice: str
    # OpenAI's own default, mp3, is not spoken here: a file that plays everywhere comes closest.
    response_format: Literal["pcm", "wav"] = "wav"
    speed: float = Field(default=1.0, ge=0.25, le=4.0)
    stream_format: Literal["audio", "sse"] = "audio"


@speech.post("/v1/audio/speech")
def create_speech() -> Response:
    """Answer 24 kHz mono s16le: `audio/pcm` while it is made, or a whole `audio/wav`."""
    body = read_json(request, SpeechBody)
    find_model(body.model, "speech")
    utterance = Utterance(_checked_text(body.input), _voice(body.voice), body.speed)
    spoken = Spoken(utterance, loaded_engines().speaker.speak(utterance))
    if body.response_format == "wav":
        with closing(spoken):
            return Response(_wav(b"".join(spoken)), mimetype="audio/wav")
    return Response(spoken, mimetype="audio/pcm")


class Spoken(Iterator[bytes]):
    """Audio on its way out, in small blocks; logs how it went when it ends or the client leaves.

    The first block is made at once, so that a full queue is an answer of its own.
    """

    def __init__(self, utterance: Utterance, blocks: Iterator[bytes]) -> None:
        self._utterance = utterance
        self._blocks = blocks
        self._began = time.monotonic()
        self._first: bytes | None = next(blocks)
        self._first_after = time.monotonic() - self._began
        self._sent = 0
        self._complete = False

    def __next__(self) -> bytes:
        block, self._first = self._first, None
        if block is None:
            try:
                block = next(self._blocks)
            except StopIteration:
                self._complete = True
                raise
        self._sent += len(block)
        return block

    def close(self) -> None:
        """Be told by the server that nothing more will be read."""
        log.info(
            "spoke",
            voice=self._utterance.voice.name,
            characters=len(self._utterance.text),
            first_audio_ms=round(1000 * self._first_after, 1),
            total_ms=round(1000 * (time.monotonic() - self._began), 1),
            audio_seconds=round(self._sent / SAMPLE_BYTES / SAMPLE_RATE, 2),
            complete=self._complete,
        )


def _checked_text(text: str) -> str:
    longest = engines().settings.max_input_characters
    if len(text) > longest:
        message = f"input: {len(text)} characters are too long; at most {longest} can be spoken."
        raise ApiError(400, message, code="string_above_max_length", param="input")
    if not text.strip():
        raise ApiError(400, "input: there is no text.", code="invalid_value", param="input")
    return text


def _voice(name: str) -> Voice:
    try:
        return find_voice(name)
    except UnknownVoiceError as error:
        raise ApiError(400, str(error), code="unknown_voice", param="voice") from None


def _wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(SAMPLE_BYTES)
        writer.setframerate(SAMPLE_RATE)
        writer.writeframes(pcm)
    return file.getvalue()
