"""What does this process hold in memory, once for all its threads?"""

from __future__ import annotations

from flask import Flask, current_app

from inference.settings import Settings
from inference.speaking import Speaker
from inference.turns import Turns


class Engines:
    """Every engine, and the places they share: the processor is one and the same."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        turns = Turns(settings.places, settings.queue_length, settings.queue_seconds)
        self.speaker = Speaker(turns, settings.model_threads)

    @property
    def loaded(self) -> bool:
        """Tell whether every engine can be used."""
        return self.speaker.loaded

    def load(self) -> None:
        """Load what is not loaded yet; takes a second or more."""
        if not self.speaker.loaded:
            self.speaker.load()


def engines(app: Flask | None = None) -> Engines:
    """Return the engines of ``app``, or of the app that serves this request."""
    found: Engines = (app or current_app).extensions["engines"]
    return found
