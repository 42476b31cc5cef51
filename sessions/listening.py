"""What may be asked about an agent's ears, and what has become of it?"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from sessions.states import State


class ListeningRequest(BaseModel):
    """The body of `POST /listening/start` and `POST /listening/stop`."""

    model_config = ConfigDict(extra="forbid")

    session_id: str = Field(
        min_length=1, max_length=128, description="The session, by id or alias."
    )


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish that has been written down: in which state of the session, and after which event."""

    state: State
    after: str
