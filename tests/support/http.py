"""How does a test talk to the web front?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.test import Client, TestResponse

from sessions.archive import ArchivedSession
from sessions.ids import new_session_id
from sessions.models import SessionConfig

START = "/orchestrator/session/start"
END = "/orchestrator/session/end"


def bearer(secret: str) -> dict[str, str]:
    """Return the headers of a caller with this key or token."""
    return {"Authorization": f"Bearer {secret}"}


def start(client: Client, headers: Mapping[str, str] | None = None, **fields: Any) -> TestResponse:
    """Ask for a session of Ada's."""
    return client.post(START, json={"userName": "Ada", **fields}, headers=headers)


def started(client: Client, headers: Mapping[str, str] | None = None, **fields: Any) -> str:
    """Start a session and return its id."""
    response = start(client, headers, **fields)
    assert response.status_code == 201, response.text
    return response.json["sessionId"]  # pyright: ignore[reportOptionalSubscript]


def end(client: Client, reference: str, headers: Mapping[str, str] | None = None) -> TestResponse:
    """Ask for the end of a session."""
    return client.post(END, json={"sessionId": reference}, headers=headers)


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Return the problem that ``response`` must be."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    content: dict[str, Any] = response.json  # pyright: ignore[reportAssignmentType]
    assert (content["code"], content["status"]) == (code, status)
    assert content["detail"]
    return content


def archived(
    scope: str = "development", accepted_at: int = 1_780_000_000_000, **fields: Any
) -> ArchivedSession:
    """Return a session that ended as sessions do."""
    config = SessionConfig("Craig", "Ada", "Hello.", "Keep this to yourself.")
    values = {
        "id": new_session_id(),
        "user_name": "Ada",
        "channel": "voice",
        "reason": "user_left",
        "fault": "user",
        "detail": None,
        "generation": 1,
        "recoveries": 0,
        "worker": "sessions@test",
        "ended_at": accepted_at + 1000,
        "config": config.to_json(),
        "timeline": {"accepted": accepted_at},
        "transcript": [
            {"role": "assistant", "text": "Hello.", "at": accepted_at + 9, "generation": 1}
        ],
    }
    return ArchivedSession(scope=scope, accepted_at=accepted_at, **{**values, **fields})
