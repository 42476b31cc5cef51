"""What becomes of a call whose provider fails? Everybody who watches learns of it."""

from __future__ import annotations

from collections.abc import Callable

from agents.providers import describe
from agents.voice.ending import Ender
from agents.voice.reporter import Reporter
from sessions.providers import Slot
from sessions.states import Reason


class Troubles:
    """Where the providers of one call tell of their failures."""

    def __init__(self, reporter: Reporter, ender: Ender) -> None:
        self.owes_apology = False
        self.apologise: Callable[[], object] | None = None
        """Says the apology at once; there is none before the agent can speak."""
        self._reporter = reporter
        self._ender = ender

    def failed(self, slot: Slot, error: Exception, replaced: bool) -> None:
        """Tell that a provider has failed."""
        self.owes_apology = True
        self._tell(slot, describe(slot, error), replaced=replaced)

    def gave_up(self, slot: Slot, error: Exception) -> None:
        """End the call, in which nobody can do what it needs.

        An agent that cannot hear can still talk, and may hear the next thing that is said.
        """
        if slot is Slot.STT and self.apologise is not None:
            self.owes_apology = False
            self.apologise()
            return
        self._ender.end(Reason.PROVIDER_ERROR, detail=describe(slot, error))

    def not_looked_up(self, error: Exception) -> None:
        """Tell that a question could not be looked up."""
        what = f"The question could not be looked up ({type(error).__name__})."
        self._tell(Slot.EMBEDDINGS, what, replaced=False)

    def _tell(self, slot: Slot, message: str, *, replaced: bool) -> None:
        self._reporter.tell(
            "error",
            {"code": "provider_error", "message": message, "slot": slot, "replaced": replaced},
        )
