"""How does one connection to Redis feed every socket of this web process?

A publish on a session's channel only says "look"; what happened is read from the log, for all the
sessions that woke at once, from where the last read ended. So a wake-up that is lost with its
connection costs nothing: whoever subscribes anew looks anew.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from redis import Redis
from redis.client import PubSub
from redis.exceptions import RedisError

from orchestrator.sockets.outbox import Entry, Outbox
from orchestrator.sockets.transport import text_frame
from sessions import keys
from sessions.events import Event, EventLog
from sessions.keys import SessionKeys

PATIENCE_SECONDS = 5.0
"""After so much silence the hub rings its own bell to learn whether the line still works."""
_EVENTS_AT_ONCE = 500
_SESSIONS_AT_ONCE = 500
_MESSAGES_AT_ONCE = 1000
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0

log = structlog.get_logger(__name__)


def entry_of(event: Event) -> Entry:
    """Serialise an event, once for all sockets it goes to.

    ASCII with escapes: half a surrogate pair in a caller's text is no valid UTF-8.
    """
    return Entry.of(event, text_frame(json.dumps(event.to_json(), separators=(",", ":"))))


@dataclass(eq=False, slots=True)
class _Watch:
    """A session that at least one socket follows, and how far its log has been read."""

    session_id: str
    cursor: str
    outboxes: set[Outbox] = field(default_factory=set)


class Hub:
    """Reads the logs of the sessions that sockets follow; starts with the first of them."""

    def __init__(self, redis: Redis, log: EventLog, connect: Callable[[], Redis]) -> None:
        self._redis = redis
        self._log = log
        self._connect = connect
        # A channel of our own: who wants something subscribed rings it, for only the reader
        # may touch the connection that it reads from.
        self._bell = f"sockets:{secrets.token_hex(8)}"
        self._watches: dict[str, _Watch] = {}
        self._changed: set[str] = set()
        self._subscribed: set[str] = set()
        self._woken: set[str] = set()
        self._pause = _FIRST_PAUSE
        self._reader: threading.Thread | None = None
        self._lock = threading.Lock()

    def join(self, outbox: Outbox, cursor: str) -> None:
        """Put into ``outbox`` whatever its session does from now on.

        ``cursor`` is the id of an event that is in the log, or the beginning. Events between it
        and the call may or may not be put: read the log once more after joining.
        """
        with self._lock:
            watch = self._watches.get(outbox.session_id)
            is_new = watch is None
            if watch is None:
                watch = _Watch(outbox.session_id, cursor)
                self._watches[outbox.session_id] = watch
                self._changed.add(outbox.session_id)
            watch.outboxes.add(outbox)
            if self._reader is None:
                self._reader = threading.Thread(target=self._run, name="events", daemon=True)
                self._reader.start()
        if is_new:
            # A bell that nobody hears means that the reader is about to subscribe to all anyway.
            with contextlib.suppress(RedisError):
                self._redis.publish(self._bell, "")

    def leave(self, outbox: Outbox) -> None:
        """Put nothing into ``outbox`` any more; doing so twice changes nothing."""
        with self._lock:
            watch = self._watches.get(outbox.session_id)
            if watch is None:
                return
            watch.outboxes.discard(outbox)
            if not watch.outboxes:
                del self._watches[outbox.session_id]
                self._changed.add(outbox.session_id)

    def _run(self) -> None:
        while True:
            try:
                self._serve()
            except (RedisError, OSError) as error:
                log.warning("events_interrupted", error=str(error), again_in=self._pause)
            except Exception:
                log.exception("events_interrupted", again_in=self._pause)
            time.sleep(self._pause)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    def _serve(self) -> None:
        """Listen on one connection until it fails."""
        with contextlib.closing(self._connect()) as client, client.pubsub() as pubsub:
            with self._lock:
                self._subscribed.clear()
                self._changed.update(self._watches)
            pubsub.subscribe(self._bell)
            while True:
                self._listen(pubsub)
                self._subscribe(pubsub)
                self._deliver()
                self._pause = _FIRST_PAUSE

    def _listen(self, pubsub: PubSub) -> None:
        """Wait for a message and take in all that have come with it."""
        message = pubsub.get_message(timeout=PATIENCE_SECONDS)
        if message is None:
            self._redis.publish(self._bell, "")
            message = pubsub.get_message(timeout=PATIENCE_SECONDS)
            if message is None:
                raise ConnectionError("Redis does not deliver messages any more.")
        self._hear(message)
        for _ in range(_MESSAGES_AT_ONCE):
            if pubsub.connection is None or not pubsub.connection.can_read():
                return
            self._hear(pubsub.get_message(timeout=PATIENCE_SECONDS))

    def _hear(self, message: dict[str, Any] | None) -> None:
        # A subscription that has begun wakes too: what happened before it made no noise.
        if message is not None and message["type"] in {"message", "subscribe"}:
            session_id = keys.session_id_of(message["channel"])
            if session_id is not None:
                self._woken.add(session_id)

    def _subscribe(self, pubsub: PubSub) -> None:
        """Bring the subscriptions in line with what sockets follow."""
        with self._lock:
            changed, self._changed = self._changed, set()
            wanted = {session_id for session_id in changed if session_id in self._watches}
        begin = wanted - self._subscribed
        end = (changed - wanted) & self._subscribed
        self._woken |= wanted - begin
        if begin:
            pubsub.subscribe(*map(_channel, begin))
        if end:
            pubsub.unsubscribe(*map(_channel, end))
        self._subscribed |= begin
        self._subscribed -= end

    def _deliver(self) -> None:
        """Read what the woken sessions have written, and hand it round."""
        while self._woken:
            batch = [self._woken.pop() for _ in range(min(len(self._woken), _SESSIONS_AT_ONCE))]
            watches = [self._watches[id_] for id_ in batch if id_ in self._watches]
            found = self._log.read_many(
                {watch.session_id: watch.cursor for watch in watches}, _EVENTS_AT_ONCE
            )
            for watch in watches:
                events = found[watch.session_id]
                for entry in map(entry_of, events):
                    for outbox in tuple(watch.outboxes):
                        outbox.put(entry)
                if events:
                    watch.cursor = events[-1].id
                if len(events) == _EVENTS_AT_ONCE:
                    self._woken.add(watch.session_id)


def _channel(session_id: str) -> str:
    return SessionKeys.of(session_id).events
