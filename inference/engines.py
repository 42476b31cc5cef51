"""What does this process hold in memory, once for all its threads?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flask import Flask, current_app

from inference.embedding import Embedder
from inference.errors import ApiError
from inference.hearing import Hearer
from inference.memory import give_back, share_arenas
from inference.settings import Settings
from inference.speaking import Speaker
from inference.turns import Turns


class Engines:
    """Every engine, each with places of its own, so that none waits behind another's work."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

        def turns(places: int) -> Turns:
            return Turns(places, settings.queue_length, settings.queue_seconds)

        self.speaker = Speaker(turns(settings.places), settings.model_threads)
        self.hearer = Hearer(
            turns(settings.hearing_places),
            settings.hearing_places,
            settings.model_threads,
            settings.cache_folder,
        )
        self.embedder = Embedder(turns(settings.places), settings.model_threads)

    @property
    def loaded(self) -> bool:
        """Tell whether every engine can be used."""
        return all(engine.loaded for engine in (self.speaker, self.hearer, self.embedder))

    def load(self) -> None:
        """Load all engines at once; takes a second or two."""
        share_arenas()
        loads = [engine.load for engine in (self.hearer, self.speaker, self.embedder)]
        with ThreadPoolExecutor(len(loads)) as pool:
            for done in [pool.submit(load) for load in loads]:
                done.result()
        give_back()


def engines(app: Flask | None = None) -> Engines:
    """Return the engines of ``app``, or of the app that serves this request."""
    found: Engines = (app or current_app).extensions["engines"]
    return found


def loaded_engines() -> Engines:
    """Return the engines of this app; raises `ApiError` 503 while they are being loaded."""
    found = engines()
    if not found.loaded:
        raise ApiError(503, "The models are being loaded.", code="loading")
    return found
