"""Which sessions are there, and which one does a caller mean?

Reads the live sessions and their indexes. A caller sees the sessions of its own scope; the scope
``None`` is an administrator's and sees all.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import structlog
from redis import Redis

from sessions import ids, keys
from sessions.errors import InvalidIdError
from sessions.keys import SessionKeys
from sessions.models import Session, SessionConfig
from sessions.states import STATE_SCORES, State

_LOOKED_AT = 500

log = structlog.get_logger(__name__)


class Directory:
    """The live sessions."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def load(self, session_id: str) -> Session | None:
        """Return a live session, or ``None``."""
        return self.load_many([session_id])[0]

    def load_many(self, session_ids: Sequence[str]) -> list[Session | None]:
        """Return the live sessions of these ids, in one round trip."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for session_id in session_ids:
                pipeline.hgetall(SessionKeys.of(session_id).session)
            hashes = cast("list[dict[str, str]]", pipeline.execute())
        return [_readable(fields) for fields in hashes]

    def config(self, session_id: str) -> SessionConfig | None:
        """Return the config of a live session, or ``None`` if it has none that can be read."""
        fields = cast("dict[str, str]", self._redis.hgetall(SessionKeys.of(session_id).config))
        if not fields:
            return None
        try:
            return SessionConfig.from_hash(fields)
        except (KeyError, ValueError):
            log.exception("config_unreadable", session_id=session_id)
            return None

    def aliases(self, session: Session) -> list[str]:
        """Return the names its own scope has given the session."""
        prefix = keys.alias(session.scope, "")
        members = cast("set[str]", self._redis.smembers(SessionKeys.of(session.id).aliases))
        return sorted(member.removeprefix(prefix) for member in members)

    def by_alias(self, scope: str, name: str) -> str | None:
        """Return the id of the session that ``scope`` calls ``name``, or ``None``."""
        return cast("str | None", self._redis.get(keys.alias(scope, name)))

    def leased(self, session_ids: Iterable[str]) -> list[bool]:
        """Tell for each session whether an agent's lease on it lives."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for session_id in session_ids:
                pipeline.exists(SessionKeys.of(session_id).lease)
            return [bool(found) for found in cast("list[int]", pipeline.execute())]

    def newest(
        self, scope: str | None, before: int | None, limit: int, skip: int = 0, since: int = 0
    ) -> list[str]:
        """Return ids of live sessions made from ``since`` to before ``before`` (ms), newest first.

        Of sessions made in the same millisecond the greater id comes first.
        """
        index = keys.LIVE if scope is None else keys.scope_sessions(scope)
        highest = "+inf" if before is None else f"({before}"
        return cast(
            "list[str]", self._redis.zrevrangebyscore(index, highest, since, start=skip, num=limit)
        )

    def count_live(self) -> int:
        """Return how many sessions live."""
        return self._redis.zcard(keys.LIVE)

    def count_by_state(self) -> dict[State, int]:
        """Return how many sessions are in each state; however many live, it costs the same."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for score in STATE_SCORES.values():
                pipeline.zcount(keys.STATES, score, score)
            counts = cast("list[int]", pipeline.execute())
        return dict(zip(STATE_SCORES, counts, strict=True))

    def oldest_waiting(self) -> int | None:
        """Return the moment (ms) from which the session that waits longest has been waiting."""
        with self._redis.pipeline(transaction=False) as pipeline:
            # It is the first or, where others were preferred, near the end.
            pipeline.zrange(keys.QUEUE, 0, _LOOKED_AT)
            pipeline.zrange(keys.QUEUE, -_LOOKED_AT, -1)
            waiting = [id_ for ids_ in cast("list[list[str]]", pipeline.execute()) for id_ in ids_]
        return min(map(ids.made_at, waiting), default=None)

    def next_deadline(self) -> int | None:
        """Return the earliest moment (ms) at which somebody must, or had to, look at a session."""
        first = cast(
            "list[tuple[str, float]]", self._redis.zrange(keys.DEADLINES, 0, 0, withscores=True)
        )
        return int(first[0][1]) if first else None

    def in_state(self, state: State, limit: int) -> list[str]:
        """Return sessions that are in a state, the oldest first."""
        score = STATE_SCORES[state]
        return cast(
            "list[str]", self._redis.zrangebyscore(keys.STATES, score, score, start=0, num=limit)
        )

    def queue(self, limit: int = 200, skip: int = 0) -> list[str]:
        """Return the waiting sessions, the next one first."""
        return cast("list[str]", self._redis.zrange(keys.QUEUE, skip, skip + limit - 1))

    def positions(self, session_ids: Iterable[str]) -> list[int | None]:
        """Return for each session its place in the queue, from 1, or ``None``."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for session_id in session_ids:
                pipeline.zrank(keys.QUEUE, session_id)
            ranks = cast("list[int | None]", pipeline.execute())
        return [None if rank is None else rank + 1 for rank in ranks]

    def queue_length(self) -> int:
        """Return how many sessions wait for an agent."""
        return self._redis.zcard(keys.QUEUE)

    def forget(self, session_id: str) -> bool:
        """Drop the global index entries of a session whose keys have gone; tell if there were."""
        with self._redis.pipeline() as pipeline:
            for index in (keys.DEADLINES, keys.QUEUE, keys.LIVE, keys.STATES):
                pipeline.zrem(index, session_id)
            return any(cast("list[int]", pipeline.execute()))


def _readable(fields: dict[str, str]) -> Session | None:
    """Return the session of a hash. One that is broken is none: its keys go by their TTL."""
    if not fields:
        return None
    try:
        return Session.from_hash(fields)
    except (KeyError, ValueError):
        log.exception("session_unreadable", session_id=fields.get("id"))
        return None


def check_reference(text: str) -> str:
    """Return ``text`` if it has the form of a session id.

    Raises:
        InvalidIdError: it has not; what is no known alias must at least be that.
    """
    if not ids.is_session_id(text):
        raise InvalidIdError(
            f"{text[: ids.MAX_ID_LENGTH]!r} is neither a session id nor one of your aliases."
        )
    return text
