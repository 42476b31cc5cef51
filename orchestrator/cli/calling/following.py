"""What happens in the session, as it happens? Its events, through every break of the line."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import websocket

_TIMEOUT_SECONDS = 5.0
_PAUSE_SECONDS = 0.5
_ATTEMPTS = 20
_OVER = "session_ended"


class Follower:
    """Reads a session's WebSocket in a thread of its own and hands each event over, once."""

    def __init__(self, url: str, token: str, on_event: Callable[[dict[str, Any]], object]) -> None:
        self._url = url
        self._token = token
        self._on_event = on_event
        self._since = "0-0"
        self._failures = 0
        self._confirmed = False
        self._stopping = threading.Event()
        self._socket: websocket.WebSocket | None = None
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Follow no longer; it may never have begun."""
        self._stopping.set()
        if self._socket is not None:
            # Wakes the thread out of its reading, which closing would not.
            self._socket.abort()
        if self._thread.is_alive():
            self._thread.join(_TIMEOUT_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set() and self._failures < _ATTEMPTS:
            self._failures += 1
            with contextlib.suppress(websocket.WebSocketException, OSError):
                if self._follow():
                    return
            self._stopping.wait(_PAUSE_SECONDS)

    def _follow(self) -> bool:
        """Hand events over until the line breaks; tell whether the last one has come."""
        query = urlencode({"access_token": self._token, "since": self._since})
        # The timeout is for the handshake; from then on there may be nothing to hear for long.
        self._socket = websocket.create_connection(f"{self._url}?{query}", timeout=_TIMEOUT_SECONDS)
        self._socket.settimeout(None)
        try:
            while message := self._socket.recv():
                event = json.loads(message)
                self._failures = 0
                self._hand_over(event)
                if event["type"] == _OVER:
                    return True
        finally:
            self._socket.shutdown()
        return False

    def _hand_over(self, event: dict[str, Any]) -> None:
        if event["type"] == "session_confirmed":
            # It comes anew with every connection and is no part of the log.
            if self._confirmed:
                return
            self._confirmed = True
        elif "id" in event:
            self._since = event["id"]
        self._on_event(event)
