"""How does a message reach an address that was checked, and no other, and in bounded time?

Whoever answers decides how slowly: one byte now and then keeps any single wait short. So one
deadline holds for all of an attempt.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from sessions.webhooks.addresses import resolve


class Line(httpcore.NetworkBackend):
    """The network of one attempt."""

    def __init__(self, seconds: float, *, private: bool) -> None:
        self._deadline = time.monotonic() + seconds
        self._private = private
        self._backend = httpcore.SyncBackend()

    def left(self) -> float:
        """Return how many seconds are left.

        Raises:
            httpcore.ReadTimeout: none.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("The attempt took too long.")
        return left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of ``host`` that answers, if all of them may be reached.

        Raises:
            AddressRefusedError: see ``resolve``.
        """
        failure: Exception = httpcore.ConnectError(f"{host} has no address.")
        for address in resolve(host, port, private=self._private):
            try:
                return _Stream(self._backend.connect_tcp(address, port, self.left()), self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _Stream(httpcore.NetworkStream):
    """A connection on which nothing waits longer than its line has left."""

    def __init__(self, stream: httpcore.NetworkStream, line: Line) -> None:
        self._stream = stream
        self._line = line

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._line.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._line.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._line.left())
        return _Stream(stream, self._line)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
