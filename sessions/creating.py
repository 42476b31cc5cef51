"""What must be known to bring a session into being, and why may it not come?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sessions import keys
from sessions.errors import LimitReachedError, NoCapacityError, QueueFullError
from sessions.limits import Limits
from sessions.models import SessionConfig
from sessions.outlook import Outlook
from sessions.settings import Settings
from sessions.states import Channel, State


@dataclass(frozen=True, slots=True)
class NewSession:
    """What ``create`` needs to know."""

    id: str
    scope: str
    channel: Channel
    config: SessionConfig
    aliases: Sequence[str] = ()
    request_hash: str = ""
    correlation_id: str = ""
    traceparent: str = ""
    limits: Limits = field(default_factory=Limits)
    priority: int = 0
    queue_timeout_seconds: float | None = None
    outlook: Outlook | None = None
    webhooks: bool = False


def creation(new: NewSession, settings: Settings, now: int) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments and the further keys of the verb ``create``; ``now`` is in ms."""
    voice = new.channel is Channel.VOICE
    queue_timeout = new.queue_timeout_seconds or settings.queue_timeout_seconds
    look_after = queue_timeout if voice else settings.idle_timeout_seconds
    session = {
        "id": new.id,
        "channel": new.channel,
        "scope": new.scope,
        "userName": new.config.user_name,
        "requestHash": new.request_hash,
        "correlationId": new.correlation_id,
        "traceparent": new.traceparent,
    }
    if new.priority:
        session["priority"] = str(new.priority)
    if new.webhooks:
        session["webhooks"] = "1"
    more_keys = [
        keys.scope_sessions(new.scope),
        keys.user_sessions(new.scope, new.config.user_name),
        keys.WORKERS,
        keys.start_rate(new.scope),
        *[keys.alias(new.scope, name) for name in new.aliases],
    ]
    args = {
        "session": session,
        "config": new.config.to_hash(),
        "state": State.QUEUED if voice else State.READY,
        "not_after": now + round(settings.redis_timeout_seconds * 1000),
        "queue_timeout": round(queue_timeout * 1000),
        "look_after": round(look_after * 1000),
        "max_duration": new.config.max_duration_seconds * 1000,
        "worker_lost": settings.worker_lost_seconds * 1000,
        "free": new.outlook.free if new.outlook else None,
        "pace": new.outlook.pace if new.outlook else None,
        "limits": {
            "total": settings.limit_live_sessions,
            "scope": new.limits.live,
            "user": new.limits.live_per_user,
            "starts": new.limits.starts_per_minute,
            "queue": settings.limit_queue_length,
        },
    }
    return args, more_keys


def raise_if_refused(reply: list[Any]) -> None:
    """Raise what tells a caller why ``create`` made nothing.

    Raises:
        LimitReachedError, NoCapacityError, QueueFullError, TimeoutError: see
            ``SessionStore.create``.
    """
    match reply[0]:
        case "created":
            return
        case "expired":
            raise TimeoutError("Redis took the request up too late; nothing was started.")
        case "no_capacity":
            raise NoCapacityError("No session worker is alive to take the call.", retry_after=5)
        case "queue_full":
            raise QueueFullError("Too many calls wait for a free agent already.", retry_after=5)
        case _:
            which = {
                "starts": "starts a minute of this key",
                "scope": "live sessions of this key",
                "user": "live sessions of this user",
                "total": "live sessions in the house",
            }[reply[1]]
            wait = max(1, -(-int(reply[2]) // 1000))
            raise LimitReachedError(f"The limit of {which} is reached.", retry_after=wait)
