"""Who writes down what is used while it is used?

Whoever asks a model for something counts it here. It goes to the meter of the context it runs in:
that of a call, or of one question. Where there is none, nobody wants to know.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

from sessions.usage import Amounts, Model, Usage

_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


class Meter:
    """Adds up what is used, for all threads and tasks of one call or question."""

    def __init__(self) -> None:
        self.played_ms: Callable[[], int] = lambda: 0
        """Returns how much has been played so far; set by whoever plays."""
        self._heard_seconds = 0.0
        self._models: dict[Model, Amounts] = {}
        self._lock = Lock()

    def hear(self, seconds: float) -> None:
        """Take note of sound from the caller. Only for the thread of the event loop."""
        self._heard_seconds += seconds

    def add(self, model: Model, amounts: Amounts) -> None:
        """Take note of what a model was asked for."""
        with self._lock:
            self._models[model] = self._models.get(model, Amounts()) + amounts

    @property
    def usage(self) -> Usage:
        """Return what has been used so far."""
        with self._lock:
            models = dict(self._models)
        return Usage(round(self._heard_seconds * 1000), self.played_ms(), models)


@contextmanager
def metering() -> Generator[Meter]:
    """Have a meter of one's own for a ``with`` block and all that it starts."""
    meter = Meter()
    token = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(token)


def current_meter() -> Meter:
    """Return the meter of this context, or one that nobody reads."""
    return _meter.get() or Meter()


def count(model: Model | None, amounts: Amounts) -> None:
    """Take note of what a model was asked for; ``None`` is one that counts for itself."""
    if model is not None and (meter := _meter.get()) is not None:
        meter.add(model, amounts)


@contextmanager
def asking(model: Model, *, characters: int = 0, audio_ms: int = 0) -> Generator[None]:
    """Count one request to ``model`` and how long it takes, however it ends.

    What is given up half-way, or fails, has been asked for all the same.
    """
    count(model, Amounts(requests=1, characters=characters, audio_ms=audio_ms))
    began = time.monotonic()
    try:
        yield
    finally:
        count(model, Amounts(model_ms=round((time.monotonic() - began) * 1000)))
