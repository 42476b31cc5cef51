"""What is told of a provider that fails, and to whom?"""

from __future__ import annotations

from typing import Protocol

import httpx2
import openai
from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError

from sessions.errors import ProviderError
from sessions.providers import Slot

_DOES = {Slot.STT: "hears", Slot.TTS: "speaks", Slot.LLM: "thinks", Slot.EMBEDDINGS: "finds"}


class Trouble(Protocol):
    """Whoever is told: the call. Both methods return at once."""

    owes_apology: bool
    """Whether the caller had to wait for a provider that failed and has not been told.

    ``failed`` sets it; whoever says the apology, in words or as speech, takes it back.
    """

    def failed(self, slot: Slot, error: Exception, replaced: bool) -> None:
        """A provider has failed; ``replaced`` if another does its work from now on."""
        ...

    def gave_up(self, slot: Slot, error: Exception) -> None:
        """Nobody does the work, and the patience is over."""
        ...


class StalledError(Exception):
    """A provider was silent for too long, before its answer or in the middle of it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"silent for {seconds:g} s")


def describe(slot: Slot, error: Exception) -> str:
    """Return what happened in one sentence; never what was asked or answered."""
    if isinstance(error, ProviderError):
        return str(error)  # described already.
    return f"The provider that {_DOES[slot]} {_what_it_did(error)}."


def _what_it_did(error: Exception) -> str:
    match error:
        case StalledError():
            return f"was {error}"
        case APIStatusError() | openai.APIStatusError():
            return f"answered with status {error.status_code}"
        case TimeoutError() | APITimeoutError() | openai.APITimeoutError():
            return "did not answer in time"
        case APIConnectionError() | openai.APIConnectionError() | httpx2.TransportError():
            return "could not be reached, or hung up"
        case APIError():
            return "gave an answer of no use"
        case _:
            return f"failed ({type(error).__name__})"
