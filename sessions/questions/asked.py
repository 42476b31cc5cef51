"""What is known of a question that was asked: the content of ``question:<correlation id>``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from pydantic import ValidationError

from sessions.questions.tasks import TaskRequest, TaskResponse

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was asked, with its answer once there is one. Moments are Unix ms."""

    session_id: str
    scope: str
    request: TaskRequest
    response: TaskResponse | None
    asked: int
    sends: int
    generation: int
    speak: bool

    @property
    def correlation_id(self) -> str:
        """Return the id by which everybody calls the question."""
        return self.request.correlation_id


def read_asked(fields: Mapping[str, str]) -> Asked | None:
    """Read a question back from Redis; one that is gone or broken is none."""
    if "request" not in fields:
        return None
    response = fields.get("response")
    try:
        request = TaskRequest.model_validate_json(fields["request"])
        answer = TaskResponse.model_validate_json(response) if response else None
    except ValidationError:
        # Not with what it says: that is nobody's business.
        log.error("question_unreadable", session_id=fields.get("session"))
        return None
    return Asked(
        session_id=fields["session"],
        scope=fields["scope"],
        request=request,
        response=answer,
        asked=int(fields["asked"]),
        sends=int(fields["sends"]),
        generation=int(fields["generation"]),
        speak=fields["speak"] == "1",
    )
