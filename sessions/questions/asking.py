"""What does a message become, before it is sent to whoever answers it?"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from redis import Redis

from sessions.directory import Directory
from sessions.history import read_latest
from sessions.models import Session
from sessions.questions.desk import Desk
from sessions.questions.sorting import Sorter
from sessions.questions.tasks import TaskPayload, TaskRequest, UserContext, Utterance
from sessions.settings import Settings

REMEMBERED_TURNS = 12
"""So much of what was said before goes with a question."""


class Asker:
    """Puts questions to the desk, for one web process."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._settings = settings
        self._directory = Directory(redis)
        self._desk = Desk(redis, settings)
        self._sorter = Sorter(settings)

    def ask(
        self,
        session: Session,
        message: str,
        *,
        user_id: str | None = None,
        context: Mapping[str, Any] | None = None,
        speak: bool = False,
    ) -> TaskRequest:
        """Have ``message`` asked in ``session``; what is returned has yet to be sent.

        Raises:
            SessionOverError, LimitReachedError: see ``Desk.ask``.
        """
        turns = read_latest(self._redis, session.id, REMEMBERED_TURNS)
        request = TaskRequest(
            correlation_id=new_correlation_id(),
            task_type=self._sorter.task_type_of(message),
            payload=TaskPayload(
                message=message,
                session_id=session.id,
                user_context=self._user_context(session, user_id, context or {}),
                conversation_history=[
                    Utterance(role="user" if turn.role == "user" else "assistant", text=turn.text)
                    for turn in turns
                ],
            ),
        )
        self._desk.ask(session, request, speak=speak)
        return request

    def _user_context(
        self, session: Session, user_id: str | None, context: Mapping[str, Any]
    ) -> UserContext:
        """Return what the client says of itself, under what the session says of it."""
        config = self._directory.config(session.id)
        settings = self._settings
        about = {
            "user_id": user_id or session.user_name,
            "knowledge": config.knowledge if config else settings.default_knowledge,
            "language": config.language if config else "en",
            "prompt": config.system_prompt if config else settings.default_system_prompt,
        }
        return UserContext.model_validate({**context, **about})


def new_correlation_id() -> str:
    """Make the id of a new question; nobody can guess it."""
    return f"chat_{secrets.token_hex(16)}"
