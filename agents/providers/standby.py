"""Who does a slot's work now: the provider that is configured, or the one that stands in for it?

A provider that fails rests for ``provider_cooldown_seconds``, twice as long after each failure in a
row, and is then asked again. Where nobody works, nobody rests: all are asked again and again until
``provider_patience_seconds`` are over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import structlog

from agents.providers.trouble import StalledError, Trouble, describe
from sessions.errors import ProviderError
from sessions.providers import EMBEDDED, Slot
from sessions.settings import Settings
from sessions.usage import Model

log = structlog.get_logger(__name__)

P = TypeVar("P")
T = TypeVar("T")

_RETRY_PAUSE_SECONDS = 0.5
_LONGEST_REST = 8
"""In units of the first rest."""


class Standby(Generic[P]):
    """One slot's provider for the length of a call, and how it has done so far."""

    def __init__(self, slot: Slot, first: P, settings: Settings, trouble: Trouble) -> None:
        self.first = first
        self._slot = slot
        self._settings = settings
        self._trouble = trouble
        self._failures = 0
        self._rests_until = 0.0

    async def use(self, work: Callable[[P], Awaitable[T]], stand_in: P | None = None) -> T:
        """Return what ``work`` makes of the provider, or of its ``stand_in`` where that fails.

        Raises:
            ProviderError: it failed with both until the patience was over.
        """
        clock = asyncio.get_running_loop().time
        deadline: float | None = None
        told: set[bool] = set()
        while True:
            provider, is_first = self.pick(stand_in)
            try:
                result = await work(provider)
            except Exception as error:
                replaced = is_first and stand_in is not None
                # What a provider says may quote what it was sent, or its key.
                what = describe(self._slot, error)
                log.warning("provider_failed", slot=self._slot, first=is_first, what=what)
                if is_first not in told:
                    told.add(is_first)
                    self._trouble.failed(self._slot, error, replaced)
                if replaced:
                    self._rest()
                    continue
                deadline = deadline or clock() + self._settings.provider_patience_seconds
                if clock() + _RETRY_PAUSE_SECONDS >= deadline:
                    raise ProviderError(what) from error
                self._rests_until = 0.0
                await asyncio.sleep(_RETRY_PAUSE_SECONDS)
            else:
                if is_first:
                    self.works()
                return result

    def pick(self, stand_in: P | None) -> tuple[P, bool]:
        """Return who is to be asked now, and whether it is the provider itself."""
        if self.rests and stand_in is not None:
            return stand_in, False
        return self.first, True

    @property
    def rests(self) -> bool:
        """Tell whether the provider has failed and is left alone for now."""
        return asyncio.get_running_loop().time() < self._rests_until

    def counted(self, model: P) -> Model:
        """Return as what the work of ``model`` is counted, whichever of the two it is."""
        at_home = urlsplit(self._settings.inference_url).netloc
        who: Any = model
        # LiveKit's plugin for OpenAI goes by the address of its server.
        name = urlsplit(f"//{who.provider}").hostname or who.provider
        return Model(self._slot, EMBEDDED if who.provider == at_home else name, who.model)

    def leave(self, error: Exception) -> None:
        """Tell that the provider has failed and is replaced, and leave it alone for now."""
        log.warning(
            "provider_failed", slot=self._slot, first=True, what=describe(self._slot, error)
        )
        self._trouble.failed(self._slot, error, replaced=True)
        self._rest()

    def works(self) -> None:
        """Take note that the provider works."""
        self._failures = 0

    def _rest(self) -> None:
        length = self._settings.provider_cooldown_seconds * min(2**self._failures, _LONGEST_REST)
        self._failures += 1
        self._rests_until = asyncio.get_running_loop().time() + length


class Named:
    """What goes by the name of the provider behind it, whoever works in its place."""

    standby: Standby[Any]

    @property
    def model(self) -> str:
        """Return the configured provider's model."""
        return self.standby.first.model

    @property
    def provider(self) -> str:
        """Return the configured provider."""
        return self.standby.first.provider


async def unless_silent(stream: AsyncIterator[T], seconds: float) -> AsyncIterator[T]:
    """Yield what ``stream`` yields.

    Raises:
        StalledError: nothing came for ``seconds``.
    """
    while True:
        try:
            async with asyncio.timeout(seconds):
                item = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise StalledError(seconds) from None
        yield item
