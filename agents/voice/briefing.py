"""What does an agent know when it takes a call: who it is to be, and what has been said already?"""

from __future__ import annotations

from dataclasses import dataclass

from agents.voice.defaults import default_config
from agents.voice.patience import until_redis_answers
from agents.voice.reporter import Reporter
from agents.voice.resuming import resuming_line, unanswered
from sessions.errors import ConfigurationError, StaleGenerationError
from sessions.handing_over import HANDOVER
from sessions.history import Turn, read_history
from sessions.models import SessionConfig
from sessions.outcomes import Claim
from sessions.settings import Settings
from sessions.store import SessionStore
from sessions.tracing import span


@dataclass(frozen=True, slots=True)
class Briefing:
    """What is known of a call before it goes on.

    ``resumed`` if the caller has heard another agent before, ``unanswered`` what that one owes.
    """

    config: SessionConfig
    history: list[Turn]
    first_line: str
    resumed: bool
    unanswered: Turn | None


async def brief(
    claim: Claim, store: SessionStore, settings: Settings, reporter: Reporter
) -> Briefing:
    """Return what there is to know about a claimed session.

    Raises:
        ConfigurationError: its config is broken.
        StaleGenerationError: another agent owns the session, or it is over.
    """
    with span("brief"):
        config = await _config(claim, store, settings, reporter)
        history = await until_redis_answers(read_history, store.redis, claim.session.id)
    if "firstAudio" not in claim.session.timeline:
        return Briefing(config, history, config.opening_line, resumed=False, unanswered=None)
    if claim.session.cause == HANDOVER:
        # The caller has not noticed anything: the sentence they are in the middle of goes on.
        return Briefing(config, history, claim.session.unsaid, resumed=False, unanswered=None)
    line = _resuming_line(config, history, settings)
    return Briefing(config, history, line, resumed=True, unanswered=unanswered(history))


def _resuming_line(config: SessionConfig, history: list[Turn], settings: Settings) -> str:
    template = config.recovery_line
    if template is None:
        template = settings.recovery_line
    return resuming_line(template, history, config.language)


async def _config(
    claim: Claim, store: SessionStore, settings: Settings, reporter: Reporter
) -> SessionConfig:
    if claim.config_fields:
        try:
            return SessionConfig.from_hash(claim.config_fields)
        except (KeyError, ValueError) as error:
            raise ConfigurationError(f"The session's config is broken: {error!r}.") from error
    session = claim.session
    config = default_config(session, settings)
    refused = await until_redis_answers(
        store.write_config, session.id, config, generation=session.generation
    )
    if refused is not None:
        raise StaleGenerationError(f"The config was refused: {refused.why}.")
    message = "The session had no config; a default one was made."
    reporter.tell("error", {"code": "config_missing", "message": message})
    return config
