"""How does a verb of the store reach Redis?

Each verb is one Lua script in ``lua/``; the shared part is put in front of it here. Redis runs a
script as a whole, so no other client ever sees half of a verb.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any, cast

from redis import Redis
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError, ResponseError

from sessions import figures, keys
from sessions.keys import SessionKeys
from sessions.settings import Settings
from sessions.states import STATE_SCORES

_PRIORITY_STEP = 100_000_000_000_000
"""Microseconds, three years: far more than anybody waits, and scores stay exact as doubles."""

_ENCODER = json.JSONEncoder(ensure_ascii=False)
"""One for all verbs; ``json.dumps`` would make one for each."""

_LUA_SCOPE, _LUA_USER = "' .. scope .. '", "' .. user .. '"
"""What stands for a scope and a user in the name of a key that a script puts together."""


_BRINGS_NEW = {"create", "ask", "alias"}

_GOES_ON = "redis.call('HDEL', K.session, '')\n"
"""A full Redis refuses a script its first write, if that takes memory. This one takes none: so what
is there goes on and ends, and only what is new is refused."""

_INSIDE = {
    "OOM ": OutOfMemoryError,
    "READONLY ": ReadOnlyError,
    # A disk that is full, or no replica that follows: it takes no writes either.
    "MISCONF ": ReadOnlyError,
    "NOREPLICAS ": ReadOnlyError,
}


class Script:
    """One script, whose errors bear the names that those of commands have."""

    def __init__(self, redis: Redis, name: str, before: str = "") -> None:
        self._script = redis.register_script(_text("_head") + before + _text(name))

    def __call__(self, keys: list[Any], args: list[Any]) -> Any:
        """Run it. Raises what redis-py raises for a command."""
        try:
            return self._script(keys=keys, args=args)
        except ResponseError as error:
            raise named(error) from error

    def put_into(self, pipeline: Redis, keys: list[Any], args: list[Any]) -> None:
        """Have it run with the rest of a pipeline."""
        self._script(keys=keys, args=args, client=pipeline)


def named(error: ResponseError) -> ResponseError:
    """Return what Redis 6 only quotes when it happens inside a script as what it is."""
    text = str(error)
    kinds = [kind for mark, kind in _INSIDE.items() if mark in text]
    return kinds[0](text) if kinds else error


class Scripts:
    """The verbs, registered with one Redis client."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._base = {
            "ttl": settings.session_ttl_seconds * 1000,
            "index_ttl": keys.INDEX_TTL_MS,
            "log_length": settings.event_log_length,
        }
        self._due = Script(redis, "due")
        self._pick = Script(redis, "pick")
        common = _constants() + _text("_common")
        self._verbs = {
            name: Script(redis, name, common + ("" if name in _BRINGS_NEW else _GOES_ON))
            for name in (
                "create",
                "claim",
                "place",
                "advance",
                "renew",
                "emit",
                "alias",
                "configure",
                "listen",
                "release",
                "finish",
                "settle",
                "invite",
                "stand_by",
                "bequeath",
                "wait",
                "account",
                "reindex",
                "ask",
                "answer",
                "connect",
                "arrive",
                "appear",
            )
        }

    def run(
        self, verb: str, session_id: str, args: dict[str, Any], more_keys: list[str] | None = None
    ) -> list[Any]:
        """Run ``verb`` on one session and return its reply.

        Arguments that are ``None`` are left out. Raises what redis-py raises.
        """
        packed, given = self._pack(session_id, args, more_keys or [])
        return cast("list[Any]", self._verbs[verb](keys=packed, args=given))

    def run_many(
        self, verb: str, calls: Sequence[tuple[str, dict[str, Any]]]
    ) -> list[list[Any] | RedisError]:
        """Run ``verb`` on many sessions in one round trip, each in a step of its own.

        Where one fails, its error stands in place of its reply. Raises what redis-py raises if the
        connection is lost.
        """
        with self._redis.pipeline(transaction=False) as pipeline:
            for session_id, args in calls:
                packed, given = self._pack(session_id, args, [])
                self._verbs[verb].put_into(pipeline, packed, given)
            replies = pipeline.execute(raise_on_error=False)
        return [named(one) if isinstance(one, ResponseError) else one for one in replies]

    def due(self, deadlines: str, limit: int, hold_ms: int) -> list[str]:
        """Run the one verb that is about many sessions; see ``lua/due.lua``."""
        args = json.dumps({"limit": limit, "hold": hold_ms})
        return cast("list[str]", self._due(keys=[deadlines], args=[args]))

    def pick(self, first: list[str], hold_ms: int) -> str | None:
        """Run the verb that finds a free process a waiting session; see ``lua/pick.lua``."""
        args = json.dumps({"first": first, "hold": hold_ms})
        return cast("str | None", self._pick(keys=[keys.QUEUE, keys.OFFERED], args=[args]))

    def _pack(
        self, session_id: str, args: dict[str, Any], more_keys: list[str]
    ) -> tuple[list[bytes], list[bytes]]:
        names = SessionKeys.of(session_id).as_list() + more_keys
        given = {name: value for name, value in args.items() if value is not None}
        given |= self._base | {"id": session_id}
        # As bytes, which redis-py packs in half the time: that is 6 us of each verb's 100 to 250.
        # Half a character, such as a stream of text may end with, would be no JSON to Lua.
        packed = _ENCODER.encode(given).encode(errors="replace")
        return [name.encode() for name in names], [packed]


def _text(name: str) -> str:
    return (resources.files("sessions") / "lua" / f"{name}.lua").read_text(encoding="utf-8")


def _constants() -> str:
    """Return what the scripts share with the rest of the house, in Lua."""
    bounds = ", ".join(map(str, figures.BOUNDS_MS))
    scores = ", ".join(f"{state} = {score}" for state, score in STATE_SCORES.items())
    return (
        f"local BOUNDS = {{ {bounds} }}\n"
        f"local FIGURES_TTL = {figures.TTL_MS}\n"
        f"local STATES = '{keys.STATES}'\n"
        f"local STATE_SCORE = {{ {scores} }}\n"
        f"local PRIORITY_STEP = {_PRIORITY_STEP}\n"
        f"local SLOT_TIMES = '{keys.SLOT_TIMES}'\n"
        f"local function scope_sessions(scope) return '{keys.scope_sessions(_LUA_SCOPE)}' end\n"
        f"local function scope_ending(scope) return '{keys.scope_ending(_LUA_SCOPE)}' end\n"
        "local function user_sessions(scope, user)\n"
        f"  return '{keys.user_sessions(_LUA_SCOPE, _LUA_USER)}'\n"
        "end\n"
    )
