"""A WebSocket client with no more in it than thousands of them in one process can afford."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from dataclasses import dataclass, field

_TEXT, _CLOSE = 1, 8
_LENGTH_BYTES = {126: 2, 127: 8}


@dataclass
class Heard:
    """What all sockets together have received."""

    latencies: list[float] = field(default_factory=list)
    doubled: int = 0
    misplaced: int = 0
    farewells: list[str] = field(default_factory=list)
    """With which code and words sockets were closed; nobody here comes back, as clients do."""


class Follower(asyncio.Protocol):
    """One socket: reads frames as they come and notes how old each event is."""

    def __init__(self, path: str, heard: Heard) -> None:
        self._path = path
        self._heard = heard
        self._buffer = bytearray()
        self._last = -1
        self._had: set[int] = set()
        self._upgraded = False
        self.confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._upgraded:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.confirmed.set_exception(ConnectionError(head.decode()))
                return
            self._upgraded, self._buffer = True, rest
        while (frame := self._next_frame()) is not None:
            opcode, payload = frame
            if opcode == _TEXT:
                self._take(json.loads(payload))
            elif opcode == _CLOSE:
                code, words = int.from_bytes(payload[:2]), payload[2:].decode()
                self._heard.farewells.append(f"{code} {words}")

    def _next_frame(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1], 2
        if size in _LENGTH_BYTES:
            start += _LENGTH_BYTES[size]
            size = int.from_bytes(buffer[2:start])
        if len(buffer) < start + size:
            return None
        frame = buffer[0] & 0x0F, bytes(buffer[start : start + size])
        del buffer[: start + size]
        return frame

    def _take(self, message: dict) -> None:
        if message["type"] == "transcript":
            n = message["data"]["n"]
            self._heard.latencies.append((time.monotonic() - message["data"]["at"]) * 1000)
            if n in self._had:
                self._heard.doubled += 1
            elif n < self._last:
                self._heard.misplaced += 1
            self._had.add(n)
            self._last = max(n, self._last)
        elif not self.confirmed.done():
            self.confirmed.set_result(None)
