"""What does every caller by WHIP do, on whichever stack? It dials, is connected, and hangs up."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from tests.support.talker import Talker


@dataclass
class WhipTalker(Talker):
    """A caller by WHIP. ``endpoint`` is where it posts, ``headers`` go with every request."""

    endpoint: str
    headers: Mapping[str, str]
    answer: httpx.Response = field(init=False)

    @property
    def session_id(self) -> str:
        """Return the session that the answer has named."""
        return self.answer.headers["X-Session-ID"]

    @abstractmethod
    async def dial(self, *, trickle: bool = False) -> httpx.Response:
        """Offer, and take the answer if there is one; with ``trickle``, candidates follow alone."""

    @abstractmethod
    async def hang_up(self) -> httpx.Response:
        """End the call by DELETE, as WHIP clients do."""

    @abstractmethod
    async def connects(self, within: float = 40.0) -> None:
        """Wait until media can flow."""

    @abstractmethod
    async def loses_connection(self, within: float = 60.0) -> None:
        """Wait until the other side has closed the connection."""
