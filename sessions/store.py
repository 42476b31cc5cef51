"""How does a session change? Through these verbs, each of which is one atomic step in Redis.

The store holds no state of its own: any number of processes may use one each.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from redis import Redis
from redis.exceptions import RedisError

from sessions import keys
from sessions.clock import RedisClock
from sessions.creating import NewSession, creation, raise_if_refused
from sessions.errors import AliasConflictError, StaleGenerationError, UnknownSessionError
from sessions.listening import Wish
from sessions.models import Session, SessionConfig
from sessions.outcomes import AliasTaken, Claim, Refusal, refusal_in
from sessions.scripts import Scripts
from sessions.settings import Settings
from sessions.states import Fault, Reason, State
from sessions.usage import Usage

_MOST_ALIASES = 32
"""Of one session: each is kept alive whenever its lease is renewed."""

_RETRY_SECONDS = (4.0, 32.0)
"""When a session that could not be archived is tried again: at first, and at the latest."""


class SessionStore:
    """The verbs of a session against one Redis."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self.redis = redis
        self._settings = settings
        self._scripts = Scripts(redis, settings)
        self._clock = RedisClock(redis)

    def create(self, new: NewSession) -> Session | AliasTaken:
        """Bring a session into being and return it, or whose alias is in the way.

        The ``queue_position`` of what is returned is its place at this moment.

        Raises:
            LimitReachedError: a limit of the scope, the user or the house is reached.
            NoCapacityError: the channel is voice and no session worker is alive.
            QueueFullError: the channel is voice and too many wait already.
            TimeoutError: Redis took the request up too late for anybody to wait for it.
        """
        now = self._clock.now()
        args, more_keys = creation(new, self._settings, now)
        reply = self._run("create", new.id, more_keys, **args)
        if reply[0] == "taken":
            return AliasTaken(reply[1])
        if reply[0] in {"created", "expired"}:
            # Also when it was too late: perhaps it is our idea of Redis's clock that is wrong.
            self._clock.learn(int(reply[1]))
        raise_if_refused(reply)
        return Session.from_hash({**_pairs(reply[2]), "queuePosition": str(reply[3])})

    def pick(self, first: Sequence[str]) -> str | None:
        """Give a free process whoever waits first, ``first`` before the queue; ``None``: nobody."""
        return self._scripts.pick(list(first), _ms(self._settings.renudge_seconds))

    def tell_place(self, session_id: str, free: int, pace: float | None) -> Refusal | None:
        """Tell a waiting session its place, if that is news and no slot is free for it.

        ``pace`` is in how many ms a slot comes free.
        """
        return refusal_in(self._run("place", session_id, free=free, pace=pace))

    def claim(
        self, session_id: str, generation: int, owner: str, worker: str, task_id: str, pid: int
    ) -> Claim | Refusal:
        """Take the session for one agent process; each generation can be taken once."""
        reply = self._run(
            "claim",
            session_id,
            generation=generation,
            owner=owner,
            worker=worker,
            task=task_id,
            pid=str(pid),
            lease=_ms(self._settings.lease_seconds),
        )
        if reply[0] == "refused":
            return Refusal(reply[1])
        session = Session.from_hash(_pairs(reply[2]))
        return Claim(session, _pairs(reply[3]), owner, int(reply[1]))

    def arrive(self, session_id: str, generation: int, joined: int) -> Refusal | None:
        """Say that an agent who has ``joined`` (ms) is about to publish its voice and be ready."""
        reply = self._run("arrive", session_id, generation=generation, joined=joined)
        return refusal_in(reply)

    def ready(
        self, session_id: str, generation: int, times: Mapping[str, int] | None = None
    ) -> Refusal | None:
        """Say that the agent of ``generation`` can talk; ``times`` are earlier stamps, in ms."""
        reply = self._run(
            "advance",
            session_id,
            to=State.READY,
            generation=generation,
            times=times,
            look_after=_ms(self._settings.lease_seconds),
        )
        return refusal_in(reply)

    def begin_ending(
        self,
        session_id: str,
        reason: Reason,
        *,
        fault: Fault | None = None,
        detail: str | None = None,
        generation: int | None = None,
        seen: Session | None = None,
    ) -> Refusal | None:
        """Start the end of a session; an agent that still talks is told to leave.

        ``seen`` is the session on which the decision rests: if it has moved on, it does not end.
        """
        reply = self._run(
            "advance",
            session_id,
            to=State.ENDING,
            generation=generation,
            reason=reason,
            fault=fault or reason.fault,
            detail=detail,
            seen=_marks(seen),
            look_after=_ms(self._settings.ending_grace_seconds),
        )
        return refusal_in(reply)

    def begin_ending_many(
        self, ends: Sequence[tuple[Session, Reason]]
    ) -> list[Refusal | RedisError | None]:
        """Start the end of each of these, if it is still as it was seen; all in one round trip."""
        calls = [
            (
                session.id,
                {
                    "to": State.ENDING,
                    "generation": session.generation,
                    "reason": reason,
                    "fault": reason.fault,
                    "seen": _marks(session),
                    "look_after": _ms(self._settings.ending_grace_seconds),
                },
            )
            for session, reason in ends
        ]
        replies = self._scripts.run_many("advance", calls)
        return [one if isinstance(one, RedisError) else refusal_in(one) for one in replies]

    def recover(
        self,
        session_id: str,
        cause: str,
        *,
        generation: int | None = None,
        unless_leased: bool,
        seen: Session | None = None,
        counts: bool = True,
    ) -> int | Refusal:
        """Ask for another agent and return its generation.

        A ``Refusal("given_up")`` means that the session has been taken over too often and ends. An
        agent that is replaced in good order (not ``counts``) is no takeover and never one too many.
        """
        settings = self._settings
        reply = self._run(
            "advance",
            session_id,
            to=State.RECOVERING,
            generation=generation,
            cause=cause,
            seen=_marks(seen),
            unless_leased=unless_leased,
            look_after=_ms(settings.renudge_seconds),
            recoveries=settings.recoveries_max if counts else None,
            window=_ms(settings.recovery_window_seconds),
        )
        if reply[0] == "refused":
            return Refusal(reply[1])
        return int(reply[2]) if reply[1] == State.RECOVERING else Refusal("given_up")

    def renew(
        self, session_id: str, generation: int, owner: str, usage: Usage | None = None
    ) -> State:
        """Prolong the lease, write what has been used so far, and return the session's state.

        Raises:
            StaleGenerationError: the session is over or belongs to another agent.
        """
        reply = self._run(
            "renew",
            session_id,
            generation=generation,
            owner=owner,
            lease=_ms(self._settings.lease_seconds),
            set=None if usage is None else usage.to_fields(generation),
        )
        if reply[0] == "refused":
            raise StaleGenerationError(f"The lease of {session_id} is lost: {reply[1]}.")
        return State(reply[1])

    def emit(
        self,
        session_id: str,
        kind: str,
        data: Mapping[str, Any],
        *,
        generation: int | None = None,
        turn: Mapping[str, Any] | None = None,
        stamps: Sequence[str] = (),
        fields: Mapping[str, str] | None = None,
        number: int | None = None,
    ) -> str:
        """Append an event, and with it a turn, stamps or fields of the session; return its id.

        A writer that counts its events (``number``, from 1) may send one again when it does not
        know whether it was written: it is written once.

        Raises:
            StaleGenerationError: the session has gone, or ``generation`` is over.
        """
        reply = self._run(
            "emit",
            session_id,
            type=kind,
            latency=data.get("latency_ms"),
            data=json.dumps({"session_id": session_id, **data}),
            generation=generation,
            turn=None if turn is None else json.dumps(turn),
            stamps=list(stamps) or None,
            set=fields,
            number=number,
        )
        if reply[0] == "refused":
            raise StaleGenerationError(f"An event of {session_id} was refused: {reply[1]}.")
        return str(reply[1])

    def add_alias(self, session: Session, name: str) -> AliasTaken | None:
        """Give a live session one more name, or return whose name it already is.

        Raises:
            UnknownSessionError: the session has ended.
            AliasConflictError: it has as many names as it may have.
        """
        more_keys = [keys.alias(session.scope, name)]
        reply = self._run("alias", session.id, more_keys, most=_MOST_ALIASES)
        match reply:
            case [_, "gone"]:
                raise UnknownSessionError(f"The session {session.id} has ended.")
            case [_, "full"]:
                raise AliasConflictError(f"A session has at most {_MOST_ALIASES} names.")
            case _:
                pass
        return AliasTaken(reply[1]) if reply[0] == "taken" else None

    def account(self, session_id: str, generation: int, usage: Usage) -> Refusal | None:
        """Write what the agent of ``generation`` has used, also one that has been replaced."""
        fields = usage.to_fields(generation)
        return refusal_in(self._run("account", session_id, generation=generation, set=fields))

    def release(self, session_id: str, owner: str) -> Refusal | None:
        """Give the session up after the agent has left its room."""
        return refusal_in(self._run("release", session_id, owner=owner))

    def settle(self, session_id: str) -> Refusal | None:
        """Make turns of what the lost agent of an ``ending`` session was saying and hearing."""
        return refusal_in(self._run("settle", session_id))

    def wait_for_archive(self, session_id: str) -> Refusal | None:
        """Keep all of an ``ending`` session that cannot be archived yet; it is tried again."""
        shortest, longest = _RETRY_SECONDS
        reply = self._run("wait", session_id, shortest=_ms(shortest), longest=_ms(longest))
        return refusal_in(reply)

    def finish(self, session: Session) -> Refusal | None:
        """Remove an archived session that is ``ending``; its event log lingers."""
        more_keys = [
            keys.scope_sessions(session.scope),
            keys.user_sessions(session.scope, session.user_name),
        ]
        linger = self._settings.event_linger_seconds * 1000
        return refusal_in(self._run("finish", session.id, more_keys, linger=linger))

    def reindex(self, session_id: str) -> int:
        """Put a session into the indexes it belongs in, and no others; return what was wrong."""
        reply = self._run("reindex", session_id)
        return int(reply[1]) if reply[0] == "ok" else 0

    def due(self, limit: int = 200, hold_seconds: float = 5) -> list[str]:
        """Return sessions somebody must look at now; nobody else gets them for ``hold_seconds``."""
        return self._scripts.due(keys.DEADLINES, limit, _ms(hold_seconds))

    def write_config(
        self, session_id: str, config: SessionConfig, *, generation: int | None = None
    ) -> Refusal | None:
        """Write a live session's whole config; nothing is written once the session has gone."""
        reply = self._run("configure", session_id, generation=generation, config=config.to_hash())
        return refusal_in(reply)

    def listen(self, session_id: str, *, on: bool) -> Wish | Refusal:
        """Have the agent of a session hear its caller or not, and every agent after it."""
        reply = self._run("listen", session_id, on=on)
        return Refusal(reply[1]) if reply[0] == "refused" else Wish(State(reply[1]), reply[2])

    def connect(self, session_id: str, resource: str, tag: str) -> Refusal | None:
        """Keep which connection by WHIP the caller of a live session has."""
        return refusal_in(self._run("connect", session_id, resource=resource, tag=tag))

    def appear(self, session_id: str) -> Refusal | None:
        """Keep that the caller has been in the room, whether an agent has met them or not."""
        return refusal_in(self._run("appear", session_id))

    def now(self) -> int:
        """Return the moment by Redis's clock, in Unix milliseconds."""
        return self._clock.now()

    def _run(
        self, verb: str, session_id: str, more_keys: list[str] | None = None, **args: Any
    ) -> list[Any]:
        return self._scripts.run(verb, session_id, args, more_keys)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _marks(seen: Session | None) -> dict[str, Any] | None:
    """Return what must still hold of a session for a decision about it to hold."""
    return None if seen is None else {"state": seen.state, "owned": seen.owned_generation}


def _pairs(flat: Any) -> dict[str, str]:
    items = cast("list[str]", flat)
    return dict(zip(items[::2], items[1::2], strict=True))
