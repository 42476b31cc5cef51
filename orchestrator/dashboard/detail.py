"""What does an operator see of one session, and what only when asked for?"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from orchestrator.access.principal import Principal
from orchestrator.dashboard.answers import PromptAnswer, PublicConfig, SessionPage
from orchestrator.dashboard.names import KeyNames
from orchestrator.http.answers import ConfigAnswer, EventAnswer, SessionAnswer, TurnAnswer
from orchestrator.reading.lookup import AnySession, load
from orchestrator.reading.presenting import whole
from orchestrator.services import Services
from sessions.errors import SessionOverError
from sessions.events import BEGINNING
from sessions.history import read_latest
from sessions.models import Session

_EVENTS = 500
_LIVE_TURNS = 1000


def session_page(
    house: Services, names: KeyNames, found: AnySession, caller: Principal
) -> SessionPage:
    """Return all of a session but its prompt and its lines, as it is after its last event."""
    events = house.events.newest(found.id, _EVENTS)[::-1]
    # Whoever follows the events from here on must not be left with what was before them.
    session = load(house, found.id) or found
    answer = whole(house, session, caller)
    total = house.events.count(session.id) if answer.events is None else answer.events
    with suppress(SQLAlchemyError):  # A live session is shown without the database.
        names.refresh()
    known = SessionAnswer.model_fields.keys() & SessionPage.model_fields.keys()
    return SessionPage.model_validate(
        {
            **answer.model_dump(include=known - {"config", "events", "transcript"}),
            "scope": session.scope,
            "key": names.name_of(session.scope),
            "config": _public(answer.config) if answer.config else None,
            "transcript": answer.transcript or _said_so_far(house, session),
            "events": [EventAnswer.model_validate(one.to_json()) for one in events],
            "events_total": total,
            "last_event_id": events[-1].id if events else BEGINNING,
        }
    )


def prompt_of(house: Services, session: AnySession) -> PromptAnswer:
    """Return what a session's agent was told to be.

    Raises:
        SessionOverError: it is not kept.
    """
    config = _config(house, session)
    if config is None or "systemPrompt" not in config:
        raise SessionOverError("The prompt of this session is not kept.")
    return PromptAnswer(
        session_id=session.id,
        system_prompt=config["systemPrompt"],
        opening_line=config.get("openingLine", ""),
        recovery_line=config.get("recoveryLine"),
    )


def _config(house: Services, session: AnySession) -> Any:
    if not isinstance(session, Session):
        return session.config
    config = house.directory.config(session.id)
    return config.to_json() if config else None


def _public(config: ConfigAnswer) -> PublicConfig:
    return PublicConfig.model_validate(config.model_dump(include=set(PublicConfig.model_fields)))


def _said_so_far(house: Services, session: AnySession) -> Sequence[TurnAnswer]:
    if not isinstance(session, Session):
        return []
    turns = read_latest(house.redis, session.id, _LIVE_TURNS)
    return [TurnAnswer.model_validate(turn.to_json()) for turn in turns]
