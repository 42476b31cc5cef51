"""A client that asks one thing over and over on a few kept connections, and costs next to nothing.

``python -m bench.load PORT PATH BODY CONNECTIONS SECONDS`` prints JSON: answers, refused, p50 (ms).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from bench.measuring import median


class Client(asyncio.Protocol):
    """One connection, which asks again as soon as it is answered."""

    def __init__(self, request: bytes, until: float) -> None:
        self.latencies: list[float] = []
        self.refused = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._until = until
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        if len(rest) < int(length):
            return
        self.latencies.append((time.monotonic() - self._asked) * 1000)
        self.refused += not head.startswith(b"HTTP/1.1 201")
        self._buffer = b""
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("The server has hung up."))

    def _ask(self) -> None:
        self._asked = time.monotonic()
        if self._asked >= self._until:
            self.done.set_result(None)
            self._transport.close()
        else:
            self._transport.write(self._request)


async def run(port: int, path: str, body: str, connections: int, seconds: float) -> dict:
    """Keep asking for so long; return what came of it."""
    request = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body.encode())}\r\n\r\n{body}"
    ).encode()
    loop, until = asyncio.get_running_loop(), time.monotonic() + seconds
    clients = [
        (await loop.create_connection(lambda: Client(request, until), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(client.done for client in clients))
    latencies = [one for client in clients for one in client.latencies]
    return {
        "answers": len(latencies),
        "refused": sum(client.refused for client in clients),
        "p50": median(latencies),
    }


if __name__ == "__main__":
    port, path, body, connections, seconds = sys.argv[1:]
    done = asyncio.run(run(int(port), path, body, int(connections), float(seconds)))
    print(json.dumps(done))
