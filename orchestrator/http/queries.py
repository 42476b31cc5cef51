"""What may be asked in a query string?"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from sessions.events import BEGINNING, EVENT_ID_PATTERN
from sessions.requests import Name
from sessions.states import Channel, Fault, Reason, State


class Query(BaseModel):
    """The base of every query: camelCase outside, and unknown names are refused."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")


Moment = Annotated[int, Field(ge=0, le=10**15)]


class SessionsQuery(Query):
    """Which sessions to list."""

    status: Literal["live", "ended", "all"] = Field(
        default="all", description="Whether the session still lives."
    )
    state: State | None = Field(default=None, description="Sessions in this state.")
    user_name: Name | None = Field(default=None, description="Sessions of this user.")
    channel: Channel | None = Field(default=None, description="Sessions of this channel.")
    reason: Reason | None = Field(
        default=None, description="Sessions that end or ended for this reason."
    )
    fault: Fault | None = Field(default=None, description="Sessions whose end lies on this side.")
    since: Moment | None = Field(
        default=None, alias="from", description="Sessions accepted from this moment on, Unix ms."
    )
    until: Moment | None = Field(
        default=None, alias="to", description="Sessions accepted before this moment, Unix ms."
    )
    limit: int = Field(default=50, ge=1, le=200, description="How many at the most.")
    cursor: str | None = Field(
        default=None,
        max_length=256,
        description="The `nextCursor` of the page before.",
    )


class QueueQuery(Query):
    """How much of the queue to list."""

    limit: int = Field(default=50, ge=1, le=200, description="How many at the most.")


class EventsQuery(Query):
    """Which events to read."""

    since: Annotated[str, Field(pattern=f"^{EVENT_ID_PATTERN}$")] = Field(
        default=BEGINNING, description="The id of the last event you have; later ones are returned."
    )
    limit: int = Field(default=500, ge=1, le=1000, description="How many at the most.")
