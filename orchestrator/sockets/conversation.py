"""What happens on one socket, from the first message to the goodbye?

First who it is about, then everything after ``since`` from the log, then what the hub brings. The
log is read once more after joining the hub, and what the hub brings twice is dropped: so nothing is
missing and nothing comes double, wherever the two meet.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import structlog
from redis.exceptions import RedisError
from simple_websocket import ConnectionClosed, Server
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import ProtocolError

from orchestrator.sockets.chatter import Chatter
from orchestrator.sockets.door import Door
from orchestrator.sockets.hub import Hub, entry_of
from orchestrator.sockets.messages import Chat, read
from orchestrator.sockets.outbox import Farewell, Outbox
from orchestrator.sockets.pace import Pace
from orchestrator.sockets.transport import LINGER_SECONDS, Transport, text_frame
from sessions.events import BEGINNING, EventLog, position_of

_PAGE = 200
_ENDED = Farewell(CloseReason.NORMAL_CLOSURE, "The session has ended")
_TOO_FAST = Farewell(CloseReason.POLICY_VIOLATION, "Too many messages in a minute")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a socket was found to be entitled to, before its handshake."""

    outbox: Outbox
    transport: Transport
    since: str
    is_over: bool
    confirmation: Mapping[str, Any]


class Conversation:
    """One socket's talk. Runs in the greenlet of its request; another one only reads."""

    def __init__(
        self,
        ws: Server,
        ticket: Ticket,
        events: EventLog,
        hub: Hub,
        door: Door,
        chatter: Chatter,
        pace: Pace,
    ) -> None:
        self._ws = ws
        self._ticket = ticket
        self._outbox = ticket.outbox
        self._transport = ticket.transport
        self._events = events
        self._hub = hub
        self._door = door
        self._chatter = chatter
        self._pace = pace
        self._cursor = ticket.since
        # One bell for both directions: simple-websocket rings it for what the client sends.
        self._bell = cast("threading.Event", ws.event)
        self._outbox.attach(self._bell, self._transport.cut)

    def hold(self) -> None:
        """Talk until either side has had enough; nothing is raised after a handshake."""
        farewell = None
        try:
            farewell = self._talk()
        except RedisError as error:
            log.warning("socket_without_log", error=str(error))
            farewell = Farewell(CloseReason.TRY_AGAIN_LATER, "The session store does not answer")
        except (ConnectionClosed, OSError):
            pass  # The client has gone.
        except Exception:
            log.exception("socket_failed")
            farewell = Farewell(CloseReason.INTERNAL_ERROR, "Something went wrong on our side")
        finally:
            self._hub.leave(self._outbox)
        self._hang_up(farewell)

    def _talk(self) -> Farewell:
        self._send(text_frame(json.dumps(self._ticket.confirmation)))
        if self._replay() or self._ticket.is_over:
            return self._outbox.farewell or _ENDED
        with self._door.passing():
            self._hub.join(self._outbox, self._known_cursor())
        if self._replay():
            return _ENDED
        return self._follow()

    def _replay(self) -> bool:
        """Send what the log holds after the cursor; tell whether that was the end."""
        while self._outbox.farewell is None:
            with self._door.passing():
                events = self._events.read(self._outbox.session_id, self._cursor, _PAGE)
            entries = [entry_of(event) for event in events]
            self._send(b"".join([*self._answers(), *(entry.frame for entry in entries)]))
            if events:
                self._cursor = events[-1].id
            if entries and entries[-1].is_last:
                return True
            if len(events) < _PAGE:
                return False
        return False

    def _known_cursor(self) -> str:
        """Return the cursor, or the log's end if a client claims to have seen more than that."""
        if self._cursor == self._ticket.since != BEGINNING:
            last = self._events.last_id(self._outbox.session_id)
            self._cursor = min(self._cursor, last, key=position_of)
        return self._cursor

    def _follow(self) -> Farewell:
        seen = position_of(self._cursor)
        while True:
            self._bell.clear()
            # Before taking: to receive clears the bell as well.
            answers = self._answers()
            if self._outbox.farewell is not None:
                return self._outbox.farewell
            entries = [entry for entry in self._outbox.take() if entry.position > seen]
            self._send(b"".join([*answers, *(entry.frame for entry in entries)]))
            if entries and entries[-1].is_last:
                return _ENDED
            self._bell.wait()

    def _answers(self) -> list[bytes]:
        """Return the answers to what the client has sent; raises if it has gone."""
        answers: list[bytes] = []
        while (message := self._ws.receive(timeout=0)) is not None:
            if not self._pace.allows_one_more():
                self._outbox.close(_TOO_FAST)
                break
            wish = read(message)
            answer = self._chatter.take(wish) if isinstance(wish, Chat) else wish
            if answer is not None:
                answers.append(text_frame(json.dumps(answer)))
        return answers

    def _send(self, frames: bytes) -> None:
        if frames:
            self._transport.send(frames)

    def _hang_up(self, farewell: Farewell | None) -> None:
        """Say goodbye, and wait until nobody uses the socket any more: gunicorn closes it next."""
        if farewell is not None:
            with contextlib.suppress(ConnectionClosed, ProtocolError, OSError):
                self._ws.close(farewell.code, farewell.reason)
        reader = cast("threading.Thread", self._ws.thread)
        reader.join(LINGER_SECONDS)
        self._transport.cut()
        reader.join()
