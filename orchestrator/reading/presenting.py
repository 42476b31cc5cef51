"""How is a session shown, and how much of it to whom?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.access.principal import Principal
from orchestrator.http.answers import ConfigAnswer, SessionAnswer, SessionSummary, TurnAnswer
from orchestrator.reading.lookup import AnySession
from orchestrator.reading.queueing import place_of
from orchestrator.services import Services
from sessions.models import Session
from sessions.states import Channel, State


def summary(session: AnySession) -> SessionSummary:
    """Return a session as a list shows it."""
    return SessionSummary.model_validate(_summary_fields(session))


def whole(house: Services, session: AnySession, principal: Principal) -> SessionAnswer:
    """Return all that ``principal`` may know of a session."""
    live = isinstance(session, Session)
    config = _config_of(house, session)
    shown = _shown_config(config, owner=session.scope == principal.scope) if config else None
    transcript = None if live else [TurnAnswer.model_validate(turn) for turn in session.transcript]
    answer = SessionAnswer.model_validate(
        {
            **_summary_fields(session),
            "correlation_id": session.correlation_id or None,
            "aliases": house.directory.aliases(session) if live else house.archive.aliases(session),
            "room_name": session.id if session.channel == Channel.VOICE else None,
            "queue": place_of(house, session) if live else None,
            "config": shown,
            "transcript": transcript,
            "events": None if live else session.events,
            "generations": [one.to_json() for one in session.generations]
            if live
            else session.generations,
            "usage": (session.usage.to_json() if live else session.usage) or None,
        }
    )
    return answer if principal.session_id is None else _for_callers(answer)


def _for_callers(answer: SessionAnswer) -> SessionAnswer:
    """Return what the holder of a session's token may know: nothing of the machines behind it."""
    nowhere = {"worker": None, "host": None}
    generations = [one.model_copy(update=nowhere) for one in answer.generations]
    return answer.model_copy(update={"worker": None, "detail": None, "generations": generations})


def _summary_fields(session: AnySession) -> dict[str, Any]:
    live = isinstance(session, Session)
    return {
        "session_id": session.id,
        "state": session.state if live else State.ENDED,
        "channel": session.channel,
        "user_name": session.user_name,
        "generation": session.generation,
        "recoveries": session.recoveries,
        "worker": session.worker or None,
        "accepted_at": session.accepted if live else session.accepted_at,
        "ended_at": None if live else session.ended_at,
        "reason": session.reason,
        "fault": session.fault,
        "detail": session.detail,
        "timeline": session.timeline,
    }


def _config_of(house: Services, session: AnySession) -> Mapping[str, Any] | None:
    if not isinstance(session, Session):
        return session.config
    config = house.directory.config(session.id)
    return config.to_json() if config else None


def _shown_config(config: Mapping[str, Any], *, owner: bool) -> ConfigAnswer:
    private = {} if owner else {"systemPrompt": None, "metadata": None}
    known = {field.alias or name for name, field in ConfigAnswer.model_fields.items()}
    return ConfigAnswer.model_validate({**{k: config.get(k) for k in known}, **private})
