"""How is an agent told what to do, wherever it runs?

Commands are entries of the stream ``session:<id>:control``. An agent obeys those that come after it
has claimed its session; what must outlive one agent is in the config as well. What is to be said
must be said: the agent begins after the last such order that was carried out before it came.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from redis.asyncio import Redis

from sessions.connections import waiting
from sessions.keys import SessionKeys

Reply = dict[str, list[Any]] | list[Any] | None
"""What redis-py makes of an answer to XREAD, depending on its protocol."""


class Command(StrEnum):
    """What an agent can be told; beside each the fields of its data."""

    END = "end"
    LISTEN = "listen"  # on: bool
    SAY = "say"  # text; question: what it answers, or absent; aloud: or only to be remembered
    HAND_OVER = "hand_over"  # generation: of whoever stands by


@dataclass(frozen=True, slots=True)
class Order:
    """A command as an agent receives it."""

    id: str
    command: Command
    data: Mapping[str, Any]

    @property
    def at(self) -> int:
        """Return when the command was given, in Unix milliseconds."""
        return int(self.id.partition("-")[0])


class ControlReader:
    """Reads the commands to one session's agent that has claimed it at ``since`` (Unix ms).

    ``said`` is the last order to say something that was carried out; none: the empty string.
    """

    def __init__(self, redis: Redis, session_id: str, since: int, said: str = "") -> None:
        self._redis = redis
        self._stream = SessionKeys.of(session_id).control
        self._since = since
        self._last = said or "0-0"

    async def wait(self, seconds: float) -> list[Order]:
        """Wait until there are commands, or for ``seconds``; return them in order.

        The Redis client must allow reads that block for so long.
        """
        # A block of 0 would be one for ever.
        block = max(1, round(seconds * 1000))
        with waiting():
            reply = cast("Reply", await self._redis.xread({self._stream: self._last}, block=block))
        entries = entries_of(reply)
        if entries:
            self._last = entries[-1][0]
        known = set(Command)
        orders = [
            Order(entry_id, Command(fields["command"]), json.loads(fields["data"]))
            for entry_id, fields in entries
            if fields["command"] in known
        ]
        return [o for o in orders if o.at >= self._since or o.command is Command.SAY]


def entries_of(reply: Reply) -> list[tuple[str, dict[str, str]]]:
    """Return the entries that a read of one stream has brought."""
    if not reply:
        return []
    streams: list[Any] = list(reply.values()) if isinstance(reply, dict) else [reply[0][1]]
    return cast("list[tuple[str, dict[str, str]]]", streams[0])
