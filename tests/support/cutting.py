"""How is a line cut in the middle? By what stands between a client and its server."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Line:
    """Passes every connection to its ``url`` on to a server, until they are cut."""

    server_port: int
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    ends: list[socket.socket] = field(default_factory=list[socket.socket])
    broken: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def cut(self) -> int:
        """Cut every connection there is; return how many ends were loose."""
        ends, self.ends = self.ends, []
        return sum(_drop(end) for end in ends)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Cut every connection, and every new one, for the length of a block."""
        self.broken = True
        self.cut()
        try:
            yield
        finally:
            self.broken = False

    def serve(self) -> None:
        """Pass connections on until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                if self.broken:
                    _drop(client)
                    continue
                server = socket.create_connection(("127.0.0.1", self.server_port))
                self.ends += [client, server]
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(65_536):
            target.sendall(content)
    _drop(source)
    _drop(target)


def _drop(end: socket.socket) -> bool:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return False
    finally:
        end.close()
    return True


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    """Keep a line to a server on loopback for a ``with`` block."""
    line = Line(port)
    thread = threading.Thread(target=line.serve, daemon=True)
    thread.start()
    try:
        yield line
    finally:
        # Wakes the accept, which closing would not.
        with contextlib.suppress(OSError):
            line.listener.shutdown(socket.SHUT_RDWR)
        line.listener.close()
        line.cut()
        thread.join(5)
