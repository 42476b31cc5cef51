"""What may a caller ask for, and how is a wrong request answered?

The pydantic models at the edge. ``parse`` turns what pydantic finds wrong into one error that names
each field and, for an unknown field, the nearest known one.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails

from sessions.errors import FieldProblem, InvalidRequestError
from sessions.ids import ALIAS_PATTERN, ALIAS_RULE, is_alias
from sessions.questions.tasks import MAX_MESSAGE_CHARACTERS
from sessions.settings import MAX_DURATION_SECONDS, MAX_PRIORITY, MAX_QUEUE_SECONDS

MAX_METADATA_BYTES = 8192
MAX_METADATA_DEPTH = 32

_CONTROL = r"\x00-\x1f\x7f-\x9f"
_CONTROL_BUT_BREAKS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"


def _refuse(characters: str) -> AfterValidator:
    forbidden = re.compile(f"[{characters}]")

    def check(text: str) -> str:
        if forbidden.search(text):
            raise ValueError("must not contain control characters")
        return text

    return AfterValidator(check)


def _alias(text: str) -> str:
    if not is_alias(text):
        raise ValueError(ALIAS_RULE)
    return text


def _small(metadata: dict[str, Any]) -> dict[str, Any]:
    if _deeper_than(MAX_METADATA_DEPTH, metadata):
        raise ValueError(f"must be nested at most {MAX_METADATA_DEPTH} deep")
    if len(json.dumps(metadata, allow_nan=False).encode()) > MAX_METADATA_BYTES:
        raise ValueError(f"must be at most {MAX_METADATA_BYTES} bytes as JSON")
    return metadata


def _deeper_than(levels: int, value: Any) -> bool:
    if isinstance(value, dict):
        value = list(cast("dict[str, Any]", value).values())
    if not isinstance(value, list):
        return False
    parts = cast("list[Any]", value)
    return levels == 0 or any(_deeper_than(levels - 1, part) for part in parts)


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=128),
    _refuse(_CONTROL),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$",
            "maxLength": 128,
        }
    ),
]
Line = Annotated[
    str,
    StringConstraints(max_length=2000),
    _refuse(_CONTROL_BUT_BREAKS),
    WithJsonSchema(
        {"type": "string", "pattern": rf"^[^{_CONTROL_BUT_BREAKS}]*$", "maxLength": 2000}
    ),
]
REGISTERED_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
Written = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_MESSAGE_CHARACTERS),
    _refuse(_CONTROL_BUT_BREAKS),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^[^{_CONTROL_BUT_BREAKS}]*[^\s{_CONTROL}][^{_CONTROL_BUT_BREAKS}]*$",
            "maxLength": MAX_MESSAGE_CHARACTERS,
        }
    ),
]
Metadata = Annotated[dict[str, Any], AfterValidator(_small)]
RegisteredName = Annotated[str, StringConstraints(pattern=REGISTERED_NAME_PATTERN)]
M = TypeVar("M", bound=BaseModel)

Alias = Annotated[
    str,
    AfterValidator(_alias),
    WithJsonSchema({"type": "string", "pattern": f"^{ALIAS_PATTERN}$"}),
]


class StartRequest(BaseModel):
    """The body of `POST /orchestrator/session/start`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    user_name: Name = Field(alias="userName", description="Who calls; the only required field.")
    voice_id: Name | None = Field(
        default=None,
        alias="voiceId",
        description="The agent's voice, one of `GET /orchestrator/voices`.",
    )
    opening_line: Line | None = Field(
        default=None, alias="openingLine", description="What the agent says first."
    )
    recovery_line: Line | None = Field(
        default=None,
        alias="recoveryLine",
        description="What an agent says that takes the call over in the middle; `{topic}` and "
        "`{question}` stand for what the caller has asked. Empty: it says nothing.",
    )
    system_prompt: str | None = Field(
        default=None, alias="systemPrompt", max_length=20_000, description="Who the agent is to be."
    )
    language: str = Field(
        default="en",
        pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$",
        max_length=35,
        description="The language of the call, as a BCP 47 tag: the caller is heard in it, and an "
        "LLM is told which it is.",
    )
    agent: RegisteredName | None = Field(
        default=None, description="The name of the agent that takes the call."
    )
    knowledge: RegisteredName | None = Field(
        default=None, description="The knowledge base that the agent answers from."
    )
    max_duration_seconds: int | None = Field(
        default=None,
        alias="maxDurationSeconds",
        ge=10,
        le=MAX_DURATION_SECONDS,
        description="How long it lasts at the most; a call, from when an agent takes it.",
    )
    priority: int = Field(
        default=0,
        ge=0,
        le=MAX_PRIORITY,
        description="While all agents are busy, who asks for more is served first.",
    )
    queue_timeout_seconds: int | None = Field(
        default=None,
        alias="queueTimeoutSeconds",
        ge=1,
        le=MAX_QUEUE_SECONDS,
        description="How long the session waits for a free agent before it ends.",
    )
    metadata: Metadata = Field(
        default_factory=dict[str, Any], description="Anything you want back with the session."
    )
    correlation_token: Alias | None = Field(
        default=None,
        alias="correlationToken",
        description="Your own name for the session; a repeated start with it makes no second one.",
    )
    channel: Literal["voice", "text"] = Field(
        default="voice", description="`voice` for a room with an agent, `text` for messages only."
    )

    def fingerprint(self) -> str:
        """Return a digest of all that the request asks for, its aliases left out."""
        content = self.model_dump(mode="json", exclude={"correlation_token"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class EndRequest(BaseModel):
    """The body of `POST /orchestrator/session/end`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    session_id: str = Field(
        alias="sessionId", min_length=1, max_length=128, description="The session, by id or alias."
    )


def parse(model: type[M], content: object) -> M:
    """Validate ``content`` against ``model``.

    Raises:
        InvalidRequestError: with one problem for each field that is wrong.
    """
    if not isinstance(content, dict):
        raise InvalidRequestError([FieldProblem("body", "must be a JSON object")])
    try:
        return model.model_validate(content, by_alias=True, by_name=False)
    except ValidationError as error:
        known = [field.alias or name for name, field in model.model_fields.items()]
        problems = [_problem(details, known) for details in error.errors()]
        raise InvalidRequestError(problems) from error


def _problem(details: ErrorDetails, known: list[str]) -> FieldProblem:
    field = ".".join(str(part) for part in details["loc"]) or "body"
    if details["type"] != "extra_forbidden":
        return FieldProblem(field, details["msg"].removeprefix("Value error, "))
    close = difflib.get_close_matches(field, known, n=1, cutoff=0.5)
    return FieldProblem(field, "is not a known field", close[0] if close else None)
