"""What can go wrong with a session, and what should the person in front of it be told?

Every error carries a stable machine-readable ``code`` and a whole sentence. The HTTP layer maps
the classes to status codes in one place (``orchestrator/http/problems.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class SwitchboardError(Exception):
    """The root of every error that Switchboard raises on purpose."""

    code = "error"


class InvalidIdError(SwitchboardError):
    """A text that is neither a well-formed session id nor a known alias."""

    code = "invalid_session_id"


class UnknownSessionError(SwitchboardError):
    """No session of that id is visible to whoever asks, live or archived."""

    code = "unknown_session"


class UnknownQuestionError(SwitchboardError):
    """No question of that correlation id is visible to whoever asks, or not any longer."""

    code = "unknown_question"


class SessionOverError(SwitchboardError):
    """The session has ended or is ending, so the operation comes too late."""

    code = "session_over"


class AliasConflictError(SwitchboardError):
    """An alias is in use by a session that was started with another request."""

    code = "alias_conflict"


class WrongChannelError(SwitchboardError):
    """The session is of a channel that has no such thing."""

    code = "wrong_channel"


class AgentSilentError(SwitchboardError):
    """The agent has been told something, and has not confirmed it in time."""

    code = "agent_silent"


class StaleGenerationError(SwitchboardError):
    """A write carried a generation that is over; whoever made it no longer owns the session."""

    code = "stale_generation"


@dataclass(frozen=True)
class FieldProblem:
    """One thing wrong with one field of a request."""

    field: str
    message: str
    nearest: str | None = None

    def to_json(self) -> dict[str, str | None]:
        """Return the problem as clients see it."""
        return {"field": self.field, "message": self.message, "nearest": self.nearest}


class InvalidRequestError(SwitchboardError):
    """One or more fields of a request are missing, wrong or unknown."""

    code = "invalid_request"

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
        self.problems = tuple(problems)


class UnknownVoiceError(InvalidRequestError):
    """The voice asked for is not in the catalogue."""

    code = "unknown_voice"

    def __init__(self, voice: str, known: Sequence[str], nearest: str | None) -> None:
        message = f"there is no voice {voice!r}; the voices are {', '.join(known)}"
        super().__init__([FieldProblem("voiceId", message, nearest)])
        self.known = tuple(known)


class RetryableError(SwitchboardError):
    """A request that may succeed later; ``retry_after`` is in seconds."""

    code = "try_again"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LimitReachedError(RetryableError):
    """A limit of the key, of the user or of the house is reached."""

    code = "limit_reached"


class NoCapacityError(RetryableError):
    """No session worker is alive to take the call."""

    code = "no_capacity"


class QueueFullError(RetryableError):
    """As many sessions wait for an agent as may."""

    code = "queue_full"


class TooManyWatchersError(RetryableError):
    """As many dashboards are open at this web process as may be."""

    code = "too_many_watchers"


class NotAuthenticatedError(SwitchboardError):
    """The request carries no credentials, or credentials that are not valid."""

    code = "not_authenticated"


class NotAllowedError(SwitchboardError):
    """The credentials are valid and do not reach this far."""

    code = "not_allowed"


class ConfigurationError(SwitchboardError):
    """A setting is missing or contradicts another; the message says which and what to do."""

    code = "configuration"


class AddressRefusedError(SwitchboardError):
    """No message may be sent to an address; the sentence says why."""

    code = "address_refused"


class ProviderError(SwitchboardError):
    """A provider of speech, hearing, thinking or embeddings failed or did not answer in time."""

    code = "provider_error"


class KnowledgeError(SwitchboardError):
    """A knowledge base cannot be asked or changed; the message says why and what to do."""

    code = "knowledge"
