"""How does a caller by WHIP hold a conversation with an agent?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, TypeVar

from tests.fixtures.house import House
from tests.support.conversation import LINE, Conversation
from tests.support.whip_talker import WhipTalker

T_co = TypeVar("T_co", bound=WhipTalker, covariant=True)

ALIAS = "X-Session-ID"


class Stack(Protocol[T_co]):
    """Makes callers that know nothing of each other's implementation."""

    def __call__(
        self, endpoint: str, headers: dict[str, str], /, **query: str
    ) -> AbstractAsyncContextManager[T_co]: ...


@asynccontextmanager
async def by_whip(
    house: House, stack: Stack[T_co], alias: str | None = None, **query: str
) -> AsyncIterator[T_co]:
    """Return a caller of this house that has not dialled yet."""
    headers = {ALIAS: alias} if alias else {}
    async with stack(f"{house.url}/whip", headers, **query) as caller:
        yield caller


@asynccontextmanager
async def conversing_by_whip(
    house: House, stack: Stack[T_co], alias: str | None = None, **query: str
) -> AsyncIterator[Conversation[T_co]]:
    """Call, and hear the opening line begin."""
    query.setdefault("openingLine", LINE)
    async with by_whip(house, stack, alias, **query) as caller:
        response = await caller.dial()
        assert response.status_code == 201, response.text
        await caller.connects()
        await caller.wait_for_speech()
        yield Conversation(house, caller.session_id, caller)
