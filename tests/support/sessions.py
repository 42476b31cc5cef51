"""How does a test of the ground floor get a session, and an agent that owns it?"""

from __future__ import annotations

from collections.abc import Sequence

from sessions.creating import NewSession
from sessions.ids import new_session_id
from sessions.limits import Limits
from sessions.models import Session, SessionConfig
from sessions.outcomes import Claim
from sessions.states import Channel
from sessions.store import SessionStore

SCOPE = "local"


def config_for(user_name: str = "Ada", max_duration_seconds: int = 3600) -> SessionConfig:
    """Return the config of a call."""
    return SessionConfig(
        voice_id="Ashley",
        user_name=user_name,
        opening_line=f"Hello {user_name}.",
        system_prompt="Be brief.",
        max_duration_seconds=max_duration_seconds,
        metadata={"order": [1, {"é": None}]},
    )


def new_session(
    *,
    id: str | None = None,
    scope: str = SCOPE,
    user: str = "Ada",
    channel: Channel = Channel.VOICE,
    aliases: Sequence[str] = (),
    limits: Limits | None = None,
    request_hash: str = "",
    priority: int = 0,
    max_duration_seconds: int = 3600,
    webhooks: bool = False,
) -> NewSession:
    """Return what ``create`` needs for one session."""
    return NewSession(
        id=id or new_session_id(),
        scope=scope,
        channel=channel,
        config=config_for(user, max_duration_seconds),
        aliases=aliases,
        request_hash=request_hash,
        limits=limits or Limits(),
        priority=priority,
        webhooks=webhooks,
    )


def owner_of(generation: int, pid: int = 7) -> str:
    """Return how the agent process ``pid`` signs a lease of ``generation``."""
    return f"{generation}:host:boot:{pid}:100"


class Actor:
    """Takes sessions to the state a test wants to begin in."""

    def __init__(self, store: SessionStore) -> None:
        self.store = store

    def queued(self, **wanted: object) -> str:
        """Create a session and return its id."""
        new = new_session(**wanted)  # pyright: ignore[reportArgumentType]
        assert isinstance(self.store.create(new), Session)
        return new.id

    def text(self, **wanted: object) -> str:
        """Create a session without a room."""
        return self.queued(channel=Channel.TEXT, **wanted)

    def claim(self, session_id: str, generation: int = 1) -> Claim:
        """Claim a session as agent process 7."""
        claim = self.store.claim(
            session_id, generation, owner_of(generation), "sessions@test", f"task-{generation}", 7
        )
        assert isinstance(claim, Claim)
        return claim

    def starting(self, **wanted: object) -> str:
        """Create a session and claim it."""
        session_id = self.queued(**wanted)
        self.claim(session_id)
        return session_id

    def ready(self, **wanted: object) -> str:
        """Create a session whose agent is ready."""
        session_id = self.starting(**wanted)
        assert self.store.ready(session_id, 1) is None
        return session_id

    def recovering(self, **wanted: object) -> str:
        """Create a session that waits for its second agent."""
        session_id = self.ready(**wanted)
        assert self.store.recover(session_id, "crash", unless_leased=False) == 2
        return session_id
