"""Who is asking, and how far does that reach?"""

from __future__ import annotations

from dataclasses import dataclass, field

from sessions.apikeys import ApiKey
from sessions.errors import NotAllowedError
from sessions.limits import Limits
from sessions.settings import Settings

DEVELOPMENT_SCOPE = "development"


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever made a request.

    ``scope`` owns the sessions it starts: an API key's id, or the one scope of development mode.
    ``session_id`` is set for the holder of a session token, who reaches that session only; its
    ``scope`` is empty.
    """

    scope: str
    admin: bool = False
    limits: Limits = field(default_factory=Limits)
    session_id: str | None = None

    @classmethod
    def of_key(cls, key: ApiKey, settings: Settings) -> Principal:
        """Return the principal of an API key; where it sets no limit, the house's holds."""
        return cls(key.id, key.admin, _limits(key.limits, settings))

    @classmethod
    def of_development(cls, settings: Settings) -> Principal:
        """Return whoever comes without a key while the house is in development mode."""
        return cls(DEVELOPMENT_SCOPE, admin=True, limits=_limits(Limits(), settings))

    @classmethod
    def of_session(cls, session_id: str) -> Principal:
        """Return the holder of one session's token."""
        return cls(scope="", session_id=session_id)

    @property
    def visible_scope(self) -> str | None:
        """Return the scope whose sessions are visible; ``None`` stands for all of them."""
        return None if self.admin else self.scope

    def require_key(self) -> None:
        """Check that this is no session token.

        Raises:
            NotAllowedError: it is one.
        """
        if self.session_id is not None:
            raise NotAllowedError(
                "A session token reaches its own session only; use an API key for this."
            )

    def require_admin(self) -> None:
        """Check that this is an administrator.

        Raises:
            NotAllowedError: it is not.
        """
        self.require_key()
        if not self.admin:
            raise NotAllowedError(
                "This API key sees its own sessions only; the dashboard needs one made with "
                "`switchboard keys create NAME --admin`."
            )


def _limits(own: Limits, settings: Settings) -> Limits:
    return Limits(
        live=own.live or settings.limit_live_per_key,
        live_per_user=own.live_per_user or settings.limit_live_per_user,
        starts_per_minute=own.starts_per_minute or settings.limit_starts_per_minute,
        priority=settings.priority_max if own.priority is None else own.priority,
    )
