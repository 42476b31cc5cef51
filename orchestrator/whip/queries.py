"""What may the query of an offer say? What the body of a start may, and nothing must."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from sessions.requests import Metadata, Name, StartRequest


def _read(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError) as error:
        raise ValueError("must be a JSON object") from error


def _be_a_call(channel: str) -> str:
    if channel != "voice":
        raise ValueError("must be voice: WHIP brings a call")
    return channel


class CallQuery(StartRequest):
    """The query of `POST /whip`."""

    user_name: Name = Field(default="guest", alias="userName", description="Who calls.")
    voice: Name | None = Field(default=None, description="Short for `voiceId`.")
    channel: Annotated[Literal["voice", "text"], AfterValidator(_be_a_call)] = Field(
        default="voice", description="`voice`: WHIP always brings a call."
    )
    metadata: Annotated[
        Metadata, BeforeValidator(_read), WithJsonSchema({"type": "string", "pattern": r"^\{.*\}$"})
    ] = Field(
        default_factory=dict[str, Any],
        description="A JSON object that you want back with the session.",
    )

    @model_validator(mode="after")
    def _name_one_voice(self) -> CallQuery:
        if None not in (self.voice, self.voice_id):
            raise ValueError("name the voice once, as `voice` or as `voiceId`")
        return self

    def to_start(self) -> StartRequest:
        """Return what `POST /orchestrator/session/start` would be asked for."""
        fields = self.model_dump(exclude={"voice"})
        fields["voice_id"] = self.voice_id or self.voice
        return StartRequest.model_validate(fields)
