"""`POST /v1/audio/transcriptions`: which words are in this sound file?

The language is English unless the request names another; it is never guessed, since a guess costs
as much as hearing and is wrong for short utterances.
"""

from __future__ import annotations

import socket
import time
from typing import Any, Literal

import structlog
from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, Field

from inference.bodies import read_form
from inference.catalogue import find_model
from inference.engines import loaded_engines
from inference.errors import ApiError
from inference.hearing import Hearer, Recording, Segment
from inference.sound import Floats, SoundError, read_sound

transcriptions = Blueprint("transcriptions", __name__)
log = structlog.get_logger(__name__)


class TranscriptionForm(BaseModel):
    """What OpenAI's transcription endpoint takes beside the file, as far as it is done here."""

    model: str
    language: str = "en"
    prompt: str = Field(default="", max_length=4096)
    response_format: Literal["json", "text", "verbose_json"] = "json"
    temperature: float = Field(default=0.0, ge=0, le=1)
    stream: Literal[False] = False


@transcriptions.post("/v1/audio/transcriptions")
def create_transcription() -> Response:
    """Answer the words in the file, as JSON or as plain text; none where nobody speaks."""
    began = time.monotonic()
    engines = loaded_engines()
    request.max_content_length = engines.settings.max_audio_bytes
    form, content = read_form(request, TranscriptionForm)
    find_model(form.model, "transcription")
    recording = Recording(
        _samples(content, engines.settings.max_audio_seconds),
        _language(form.language, engines.hearer),
        form.prompt,
        form.temperature,
    )
    segments = engines.hearer.hear(recording, _client_is_gone)
    log.info(
        "heard",
        audio_seconds=round(recording.seconds, 2),
        total_ms=round(1000 * (time.monotonic() - began), 1),
        windows=len(segments),
    )
    return _answer(form, recording, segments)


def _samples(content: bytes, longest_seconds: float) -> Floats:
    try:
        return read_sound(content, longest_seconds)
    except SoundError as error:
        raise ApiError(400, f"file: {error}.", code="invalid_file", param="file") from None


def _language(name: str, hearer: Hearer) -> str:
    """Return the code of the language; a region behind it (en-GB) says nothing to the model."""
    code = name.strip().lower().replace("_", "-").partition("-")[0] or "en"
    if not hearer.knows(code):
        message = f"language: {name!r} is not the ISO 639-1 code of a language that is known here."
        raise ApiError(400, message, code="unknown_language", param="language")
    return code


def _client_is_gone() -> bool:
    """Tell whether the client has hung up: what it asked for early may be of no use by now."""
    connection: socket.socket | None = request.environ.get("gunicorn.socket")
    if connection is None:
        return False
    timeout = connection.gettimeout()
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(timeout)


def _answer(form: TranscriptionForm, recording: Recording, segments: list[Segment]) -> Response:
    text = " ".join(segment.text for segment in segments if segment.text)
    if form.response_format == "text":
        return Response(f"{text}\n", mimetype="text/plain")
    if form.response_format == "json":
        return jsonify(text=text)
    return jsonify(
        task="transcribe",
        language=recording.language,
        duration=round(recording.seconds, 3),
        text=text,
        segments=[
            _segment(number, segment, form.temperature)
            for number, segment in enumerate(segments)
            if segment.text
        ],
    )


def _segment(number: int, segment: Segment, temperature: float) -> dict[str, Any]:
    return {
        "id": number,
        "seek": round(100 * segment.start),
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "tokens": segment.tokens,
        "temperature": temperature,
        "avg_logprob": segment.average_logprob,
        "compression_ratio": segment.compression_ratio,
        "no_speech_prob": segment.no_speech_prob,
    }
