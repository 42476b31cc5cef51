"""What happens in the session, as it happens? Its events, through every break of the line."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import websocket

_TIMEOUT_SECONDS = 5.0
_PAUSE_SECONDS = 0.5
_ATTEMPTS = 60
"""Half a minute: a Redis that is away for ten seconds, and a web front that restarts then."""

_OVER = "session_ended"
_POSITION = re.compile("[0-9]+-[0-9]+")
_FINAL = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
"""Answers to a handshake that no further attempt would change."""

OnEvent = Callable[[dict[str, Any]], object]


class Follower:
    """Reads a session's WebSocket in a thread of its own and hands each event over, once.

    Whoever follows is either proven by the session's ``token`` or by ``headers``.
    """

    def __init__(
        self, url: str, token: str, on_event: OnEvent, headers: Mapping[str, str] | None = None
    ) -> None:
        self._url = url
        self._token = token
        self._headers = [f"{name}: {value}" for name, value in (headers or {}).items()]
        self._on_event = on_event
        self._since = "0-0"
        self._failures = 0
        self._confirmed = False
        self._stopping = threading.Event()
        self._sending = threading.Lock()
        self._socket: websocket.WebSocket | None = None
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self.on_line: Callable[[bool], object] = lambda _there: None
        """Told whenever the line is there, and whenever it has broken."""
        self.on_end: Callable[[str], object] = lambda _why: None
        """Told when nothing more will come, and why; empty if the session has ended."""

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

    def send(self, message: Mapping[str, Any]) -> bool:
        """Say something on the socket; tell whether there was a line to say it on."""
        with self._sending:
            if self._socket is None or not self._socket.connected:
                return False
            try:
                self._socket.send(json.dumps(message))
            except (websocket.WebSocketException, OSError):
                return False
        return True

    def _run(self) -> None:
        why = ""
        while self._failures < _ATTEMPTS and not self._stopping.is_set():
            self._failures += 1
            try:
                over = self._follow()
                why = "" if over else "The server has closed the line."
                if over:
                    break
            except websocket.WebSocketBadStatusException as error:
                why = _sentence(error)
                if error.status_code in _FINAL:
                    break
            except (websocket.WebSocketException, OSError) as error:
                why = f"The events cannot be followed: {type(error).__name__} {error}."
            self._stopping.wait(_PAUSE_SECONDS)
        if not self._stopping.is_set():
            self.on_end(why)

    def _follow(self) -> bool:
        """Hand events over until the line breaks; tell whether the last one has come."""
        query = {"since": self._since}
        if self._token:
            query["access_token"] = self._token
        # The timeout is for the handshake; from then on there may be nothing to hear for long.
        self._socket = websocket.create_connection(
            f"{self._url}?{urlencode(query)}", timeout=_TIMEOUT_SECONDS, header=self._headers
        )
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
            self.on_line(False)
        return False

    def _hand_over(self, event: dict[str, Any]) -> None:
        if event["type"] == "session_confirmed":
            self.on_line(True)
            # It comes anew with every connection and is no part of the log.
            if self._confirmed:
                return
            self._confirmed = True
        elif is_of_the_log(event):
            self._since = event["id"]
        self._on_event(event)


def is_of_the_log(event: Mapping[str, Any]) -> bool:
    """Tell whether a frame is an event, and not the answer to something that was sent."""
    return _POSITION.fullmatch(str(event.get("id"))) is not None


def _sentence(error: websocket.WebSocketBadStatusException) -> str:
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return json.loads(error.resp_body or b"")["detail"]
    return f"The server answers {error.status_code} to the handshake."
