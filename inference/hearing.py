"""Which words are in a recording?

One model serves all threads, each turn on one processor of its own: a second one would not make a
turn shorter (measured), but lets two callers be heard at once.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import ctranslate2
import numpy as np
import structlog
from faster_whisper import WhisperModel

from inference.sound import RATE, Floats
from inference.turns import Turns
from inference.weights import whisper_folder
from inference.windows import windows

log = structlog.get_logger(__name__)

_FEWEST_FRAMES: Final = 1000  # Ten seconds: with less to look at, it invents words.
_FRAMES_AFTER: Final = 300  # Three more seconds of silence: without, whole sentences get lost.
_SILENT: Final = 0.001  # -60 dB of full scale: nobody speaks so softly.
# No speech is above this probability of none, with words less sure (average logprob) than this.
_NO_SPEECH: Final = ((0.6, -0.7), (0.4, -1.5))
_REPETITIVE: Final = 2.4  # OpenAI's own measure of a model that goes round in circles.
_TOKENS_PER_SECOND: Final = 12  # Twice of what the quickest speaker says.
_SPARE_TOKENS: Final = 16
_PROMPT_TOKENS: Final = 223  # Half of what the decoder can look back on, less one.


class ClientGoneError(Exception):
    """Nobody waits for the answer any more, so it is not worked out."""


@dataclass(frozen=True)
class Recording:
    """What is to be heard, and what is known of it."""

    samples: Floats
    language: str = "en"
    prompt: str = ""
    temperature: float = 0.0

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE


@dataclass(frozen=True)
class Segment:
    """What was said in one window; ``text`` is empty where it was no speech."""

    start: float
    end: float
    text: str
    tokens: list[int]
    average_logprob: float
    no_speech_prob: float

    @property
    def compression_ratio(self) -> float:
        """Return how much shorter the text can be said to be: a lot where it repeats itself."""
        text = self.text.encode()
        return len(text) / len(zlib.compress(text)) if text else 0.0


class Hearer:
    """The hearing engine; `load` it once before the first request."""

    def __init__(self, turns: Turns, workers: int, threads: int, cache: Path) -> None:
        self._turns = turns
        self._workers = workers
        self._threads = threads
        self._cache = cache
        self._whisper: WhisperModel | None = None

    @property
    def loaded(self) -> bool:
        """Tell whether `hear` may be called."""
        return self._whisper is not None

    def load(self) -> None:
        """Read the model and listen to a second of nothing with it: one to two seconds."""
        whisper = WhisperModel(
            str(whisper_folder(self._cache)),
            device="cpu",
            compute_type="int8",
            cpu_threads=self._threads,
            num_workers=self._workers,
            local_files_only=True,
        )
        _listen(whisper, Recording(np.zeros(RATE, np.float32)), 0.0, lambda: False)
        self._whisper = whisper

    def knows(self, language: str) -> bool:
        """Tell whether this is the code of a language that the model was made for."""
        return language in self._loaded_model().supported_languages

    def hear(self, recording: Recording, is_gone: Callable[[], bool]) -> list[Segment]:
        """Return what is said, window by window, each of which is one turn in the queue.

        Raises `BusyError` when too many are waiting, and `ClientGoneError` where ``is_gone`` says
        so before or in the middle of a turn.
        """
        whisper = self._loaded_model()
        segments: list[Segment] = []
        for start, window in _windows(recording):
            work = partial(_listen, whisper, window, start, is_gone)
            segments.append(self._turns.take(work, first=not segments))
        return segments

    def _loaded_model(self) -> WhisperModel:
        if self._whisper is None:
            raise RuntimeError("The hearing model is not loaded: call load() first.")
        return self._whisper


def _windows(recording: Recording) -> Iterator[tuple[float, Recording]]:
    """Yield each window that is not silent, with the second it begins at."""
    for start, end in windows(recording.samples):
        samples = recording.samples[start:end]
        if np.abs(samples).max(initial=0) >= _SILENT:
            yield start / RATE, replace(recording, samples=samples)


def _listen(
    whisper: WhisperModel, window: Recording, start: float, is_gone: Callable[[], bool]
) -> Segment:
    if is_gone():
        raise ClientGoneError
    log.debug("listening", audio_seconds=round(window.seconds, 2))
    encoded = whisper.model.encode(ctranslate2.StorageView.from_array(_spectrum(whisper, window)))
    if is_gone():
        raise ClientGoneError
    segment = _read(whisper, window, start, encoded)
    if segment.compression_ratio > _REPETITIVE:
        return _read(whisper, window, start, encoded, no_repeat_ngram_size=3)
    return segment


def _read(
    whisper: WhisperModel, window: Recording, start: float, encoded: Any, **options: int
) -> Segment:
    [result] = whisper.model.generate(
        encoded,
        [_instructions(whisper, window)],
        beam_size=1,
        sampling_topk=0 if window.temperature else 1,
        sampling_temperature=window.temperature or 1,
        max_length=_longest_answer(window),
        return_scores=True,
        return_no_speech_prob=True,
        **options,
    )
    empty, sure = result.no_speech_prob, result.scores[0]
    silent = any(empty > most and sure < least for most, least in _NO_SPEECH)
    tokens: list[int] = [] if silent else result.sequences_ids[0]
    return Segment(
        start=start,
        end=start + window.seconds,
        text=whisper.hf_tokenizer.decode(tokens, skip_special_tokens=True).strip(),
        tokens=tokens,
        average_logprob=sure,
        no_speech_prob=empty,
    )


def _spectrum(whisper: WhisperModel, window: Recording) -> Floats:
    """Return the mel spectrum, shape (1, bins, frames), no longer than it has to be."""
    spectrum = whisper.feature_extractor(window.samples)
    frames = max(spectrum.shape[1] // 2 * 2 + _FRAMES_AFTER, _FEWEST_FRAMES)
    # Silence is the lowest value there is: after zeros, it takes words at the end for noise.
    silence = spectrum.min()
    padded = np.pad(spectrum, ((0, 0), (0, frames - spectrum.shape[1])), constant_values=silence)
    return np.ascontiguousarray(padded[None], np.float32)


def _instructions(whisper: WhisperModel, window: Recording) -> list[int]:
    tokenizer: Any = whisper.hf_tokenizer
    told = [f"<|{window.language}|>", "<|transcribe|>", "<|notimestamps|>"]
    tokens = [tokenizer.token_to_id(token) for token in ("<|startoftranscript|>", *told)]
    if not window.prompt.strip():
        return tokens
    said = tokenizer.encode(f" {window.prompt.strip()}", add_special_tokens=False).ids
    return [tokenizer.token_to_id("<|startofprev|>"), *said[-_PROMPT_TOKENS:], *tokens]


def _longest_answer(window: Recording) -> int:
    """Return how many tokens there can be; a model that repeats itself would go on."""
    return min(448, int(window.seconds * _TOKENS_PER_SECOND) + _SPARE_TOKENS)
