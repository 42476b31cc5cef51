"""How does a test follow a session over a WebSocket?"""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import websocket
from websocket import ABNF

PATIENCE = 20.0


class ClosedError(Exception):
    """The server has closed the socket; ``code`` is ``None`` if it did so without a word."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(f"closed with {code} {reason}")
        self.code = code


class Client:
    """One socket. Every wait ends after ``PATIENCE`` seconds with an error."""

    def __init__(self, url: str, timeout: float = PATIENCE, **options: Any) -> None:
        self.ws = websocket.create_connection(url, timeout=timeout, **options)

    def receive(self) -> dict[str, Any]:
        """Return the next message."""
        while True:
            try:
                opcode, data = self.ws.recv_data(control_frame=True)
            except (websocket.WebSocketConnectionClosedException, ConnectionError):
                raise ClosedError(None) from None
            if opcode == ABNF.OPCODE_TEXT:
                return json.loads(data)
            if opcode == ABNF.OPCODE_CLOSE:
                code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else None
                raise ClosedError(code, data[2:].decode())

    def take(self, count: int) -> list[dict[str, Any]]:
        """Return the next ``count`` messages."""
        return [self.receive() for _ in range(count)]

    def confirmed(self) -> dict[str, Any]:
        """Return the first message, which says whose socket this is."""
        first = self.receive()
        assert first["type"] == "session_confirmed"
        return first

    def until(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages up to the first of type ``kind``, that one included."""
        received = [self.receive()]
        while received[-1]["type"] != kind:
            received.append(self.receive())
        return received

    def until_closed(self) -> tuple[list[dict[str, Any]], int | None]:
        """Return what still comes, and the code with which the server closes."""
        received: list[dict[str, Any]] = []
        try:
            while True:
                received.append(self.receive())
        except ClosedError as closed:
            return received, closed.code

    def say(self, message: object) -> None:
        """Send a message as JSON."""
        self.ws.send(json.dumps(message))

    def ask(self, message: object) -> dict[str, Any]:
        """Send a message and return what comes back."""
        self.say(message)
        return self.receive()

    def cut(self) -> None:
        """Vanish without a goodbye."""
        self.ws.shutdown()


@contextlib.contextmanager
def follow(ws_url: str, reference: str, **query: str) -> Iterator[Client]:
    """Follow a session for a ``with`` block, as ``GET /ws/<reference>?<query>``."""
    client = Client(f"{ws_url}/{reference}?{urlencode(query)}")
    try:
        yield client
    finally:
        client.cut()


def refusal(
    ws_url: str, reference: str, origin: str | None = None, **query: str
) -> tuple[int, dict[str, Any]]:
    """Return the status and the problem with which a handshake is refused."""
    try:
        client = Client(f"{ws_url}/{reference}?{urlencode(query)}", origin=origin)
    except websocket.WebSocketBadStatusException as error:
        return error.status_code, json.loads(error.resp_body or b"{}")
    client.cut()
    raise AssertionError("The handshake was accepted.")
