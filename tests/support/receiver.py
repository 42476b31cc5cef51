"""Who is told of sessions in a test: a server that checks signatures and answers as it is told."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks.webhooks import Webhook


@dataclass(frozen=True)
class Message:
    """One request: its headers in small letters and its body."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def opened_with(self, secret: str) -> dict[str, Any]:
        """Return what it says, if it is signed with this secret."""
        return Webhook(secret).verify(self.body, dict(self.headers))


@dataclass(frozen=True)
class Reply:
    """How a request is answered: one that ``drips`` gets its answer byte by byte."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    drips: bool = False


class Receiver:
    """What it was sent, in order; ``answer`` may be set to anything."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.asked_for: list[str | None] = []
        """The names that TLS was begun with."""
        self.answer: Callable[[Message], Reply] = lambda _message: Reply()
        self.closing = threading.Event()
        """Ends whoever waits inside ``answer``."""
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?room=1"

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.messages]

    def hang(self, _message: Message) -> Reply:
        """Answer nothing until the test is over."""
        self.closing.wait(60)
        return Reply()


CERTIFICATE = Path(__file__).with_name("hooks_test.pem")
"""Key and certificate of `hooks.test`, by itself and until 2120; nobody else trusts it."""


@contextmanager
def receiving(*, tls: bool = False) -> Iterator[Receiver]:
    """Keep a receiver for the length of a block."""
    receiver = Receiver()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # The sender has hung up.

    server = Server(("127.0.0.1", 0), _handler_of(receiver))
    receiver.port = server.server_address[1]
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        context.sni_callback = lambda _socket, name, _context: receiver.asked_for.append(name)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler_of(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    """Return what takes one request for `receiver`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            message = Message({**headers, ":path": self.path}, body)
            receiver.messages.append(message)
            reply = receiver.answer(message)
            if reply.drips:
                self._drip()
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def _drip(self) -> None:
            self.close_connection = True
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000:
                if receiver.closing.wait(0.05):
                    return
                try:
                    self.wfile.write(bytes([byte]))
                except OSError:
                    return

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
