"""How is an agent told what to do, wherever it runs?

Commands are entries of the stream ``session:<id>:control``. An agent reads those that came after it
claimed its session; what must outlive one agent is in the config as well.
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

from sessions.keys import SessionKeys


class Command(StrEnum):
    """What an agent can be told; beside each the fields of its data."""

    END = "end"
    LISTEN = "listen"  # on: bool
    SAY = "say"  # text; question: what it answers, or absent; aloud: or only to be remembered


@dataclass(frozen=True, slots=True)
class Order:
    """A command as an agent receives it."""

    id: str
    command: Command
    data: Mapping[str, Any]


class ControlReader:
    """Reads the commands to one session's agent, starting at the moment of its claim."""

    def __init__(self, redis: Redis, session_id: str, since_ms: int) -> None:
        self._redis = redis
        self._stream = SessionKeys.of(session_id).control
        self._last = f"{since_ms - 1}-{2**63 - 1}"

    async def wait(self, seconds: float) -> list[Order]:
        """Wait until there are commands, or for ``seconds``; return them in order.

        The Redis client must allow reads that block for so long.
        """
        reply = cast(
            "dict[str, list[Any]] | list[Any] | None",
            # A block of 0 would be one for ever.
            await self._redis.xread(
                {self._stream: self._last}, block=max(1, round(seconds * 1000))
            ),
        )
        entries = _entries_of(reply)
        if entries:
            self._last = entries[-1][0]
        known = set(Command)
        return [
            Order(entry_id, Command(fields["command"]), json.loads(fields["data"]))
            for entry_id, fields in entries
            if fields["command"] in known
        ]


def _entries_of(reply: dict[str, list[Any]] | list[Any] | None) -> list[tuple[str, dict[str, str]]]:
    if not reply:
        return []
    streams: list[Any] = list(reply.values()) if isinstance(reply, dict) else [reply[0][1]]
    return cast("list[tuple[str, dict[str, str]]]", streams[0])
