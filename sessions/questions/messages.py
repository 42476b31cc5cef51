"""What may somebody write into a session, over HTTP and on a socket?"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool

from sessions.requests import Metadata, Name, Written


def _travels(context: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(context, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("must not contain half a character") from error
    return context


Context = Annotated[Metadata, AfterValidator(_travels)]


class ChatMessage(BaseModel):
    """A message into a session that is known already."""

    model_config = ConfigDict(extra="forbid")

    message: Written = Field(description="What is asked or said.")
    user_id: Name | None = Field(
        default=None, description="Who writes; the user of the session where it is left out."
    )
    context: Context = Field(
        default_factory=dict[str, Any],
        description="Anything that whoever answers should know; it travels in `user_context`.",
    )
    speak: StrictBool = Field(
        default=False, description="Have the answer spoken as well, where the session is a call."
    )


class ChatRequest(ChatMessage):
    """The body of `POST /chat`."""

    session_id: str | None = Field(
        default=None,
        description="The session, by id or by a name of your own. A name that is new makes a "
        "session in writing; so does none at all.",
    )
