"""How does what the verbs announce become something to deliver?

An entry leaves the outbox when its deliveries are in the database. While the database or Redis is
away everything waits where it is; an entry that is read twice, by two workers or after a crash,
makes the same deliveries under the same ids, and those are there already.
"""

# redis-py leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event
from typing import Any, cast

import structlog
from redis import Redis
from redis.exceptions import OutOfMemoryError
from sqlalchemy.exc import SQLAlchemyError

from sessions import keys
from sessions.archive import Archive
from sessions.connections import REDIS_AWAY, waiting
from sessions.webhooks.deliveries import Deliveries
from sessions.webhooks.delivery import NewDelivery, delivery_id
from sessions.webhooks.endpoints import Endpoint, Endpoints
from sessions.webhooks.events import Announcement, WebhookEvent, body_of

log = structlog.get_logger(__name__)

BLOCK_SECONDS = 1.0
_AT_ONCE = 100
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


class Relay:
    """Empties the outbox; each upkeep worker may run one."""

    def __init__(
        self,
        redis: Redis,
        endpoints: Endpoints,
        deliveries: Deliveries,
        archive: Archive,
        written: Callable[[], None],
    ) -> None:
        self._redis = redis
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._archive = archive
        self._written = written

    def run(self, stop: Event) -> None:
        """Write deliveries until ``stop`` is set."""
        pause = _FIRST_PAUSE
        while not stop.is_set():
            try:
                self.turn(BLOCK_SECONDS)
                pause = _FIRST_PAUSE
            except (*REDIS_AWAY, OutOfMemoryError, SQLAlchemyError) as error:
                log.warning("webhooks_wait", error=type(error).__name__, seconds=pause)
                stop.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    def turn(self, block_seconds: float) -> int:
        """Take the oldest entries, waiting a while for the first; return how many there were."""
        # Always from the beginning: what is there has not been dealt with, whoever has read it.
        with waiting():
            read = self._redis.xread(
                {keys.OUTBOX: "0"}, count=_AT_ONCE, block=round(block_seconds * 1000)
            )
        entries = _entries(read)
        if not entries:
            return 0
        found = [told for entry, fields in entries if (told := _read(entry, fields)) is not None]
        self._deliveries.write(self._wanted(found))
        self._redis.xdel(keys.OUTBOX, *[entry for entry, _ in entries])
        self._written()
        return len(entries)

    def _wanted(self, found: Sequence[Announcement]) -> list[NewDelivery]:
        by_scope: dict[str, list[Endpoint]] = {}
        wanted: list[NewDelivery] = []
        for told in found:
            if told.scope not in by_scope:
                by_scope[told.scope] = self._endpoints.list(told.scope)
            endpoints = [one for one in by_scope[told.scope] if one.wants(told.type)]
            body = self._body(told) if endpoints else ""
            wanted += [
                NewDelivery(
                    delivery_id(told.entry, told.session_id, told.type, one.id),
                    one.id,
                    told.session_id,
                    told.correlation_id,
                    told.type,
                    body,
                )
                for one in endpoints
            ]
        return wanted

    def _body(self, told: Announcement) -> str:
        # The archive has a session before it ends.
        ended = told.type == WebhookEvent.ENDED
        return body_of(told, self._archive.load(told.session_id) if ended else None)


def _entries(read: Any) -> list[tuple[str, dict[str, str]]]:
    """Return the entries of the one stream that was read; redis-py has two shapes for them."""
    if not read:
        return []
    streams: list[Any] = list(read.values()) if isinstance(read, dict) else [read[0][1]]
    return cast("list[tuple[str, dict[str, str]]]", streams[0])


def _read(entry: str, fields: dict[str, str]) -> Announcement | None:
    try:
        return Announcement.read(entry, fields)
    except (KeyError, ValueError, TypeError) as error:
        log.error("announcement_unreadable", entry=entry, error=repr(error))
        return None
