"""How is a message that came on a socket asked, while the socket goes on with its events?

To ask takes some round trips, and a while where somebody is slow. So a greenlet of its own does it,
one message after the other, and sends what comes of it between two frames of the conversation.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque

import structlog

from orchestrator.chatting.asking import ask
from orchestrator.reading.lookup import load
from orchestrator.services import Services
from orchestrator.sockets import messages
from orchestrator.sockets.messages import Chat, Frame
from orchestrator.sockets.transport import Transport, text_frame
from sessions.connections import REDIS_AWAY
from sessions.errors import LimitReachedError, SessionOverError, SwitchboardError

_WAITING_AT_MOST = 8
_RETRY_AFTER = 1

log = structlog.get_logger(__name__)


class Chatter:
    """The messages of one socket."""

    def __init__(self, house: Services, session_id: str, transport: Transport) -> None:
        self._house = house
        self._session_id = session_id
        self._transport = transport
        self._waiting: deque[Chat] = deque()
        self._works = False
        self._lock = threading.Lock()

    def take(self, chat: Chat) -> Frame | None:
        """Have ``chat`` asked soon, or return why not."""
        with self._lock:
            if len(self._waiting) >= _WAITING_AT_MOST:
                full = LimitReachedError("Too many messages at once on this socket.", _RETRY_AFTER)
                return messages.refusal(full, chat.echo)
            self._waiting.append(chat)
            if not self._works:
                self._works = True
                threading.Thread(target=self._work, name="chatter", daemon=True).start()
        return None

    def _work(self) -> None:
        structlog.contextvars.bind_contextvars(session_id=self._session_id)
        while True:
            with self._lock:
                if not self._waiting:
                    self._works = False
                    return
                chat = self._waiting.popleft()
            frame = self._refused(chat)
            if frame is not None:
                self._send(frame)

    def _refused(self, chat: Chat) -> Frame | None:
        """Ask, and return why that could not be done."""
        try:
            session = load(self._house, self._session_id)
            if session is None:
                raise SessionOverError(f"The session {self._session_id} has ended.")
            ask(
                self._house,
                session,
                chat.content,
                lambda request: self._send(messages.accepted(request, chat.echo)),
            )
        except SwitchboardError as problem:
            return messages.refusal(problem, chat.echo)
        except REDIS_AWAY as away:
            log.warning("store_unavailable", error=str(away))
            sentence = "The session store does not answer. Try again in a moment."
            return messages.error("store_unavailable", sentence, chat.echo)
        except Exception:
            log.exception("chat_failed")
            sentence = "Something went wrong on our side; it has been logged."
            return messages.error("internal_error", sentence, chat.echo)
        return None

    def _send(self, frame: Frame) -> None:
        with contextlib.suppress(OSError):  # The client has gone; its question stays.
            self._transport.send(text_frame(json.dumps(frame)))
