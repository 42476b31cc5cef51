"""Who answers offers in a test without media? It does as livekit-server does, or as it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
TURN = '<turn:turn.example%3Ftransport=udp>; rel="ice-server"; username="u"; credential="c"'
LINKS = ('<stun:stun.example>; rel="ice-server"', TURN)


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Message
    body: str


@dataclass(frozen=True)
class Reply:
    """What is said to one."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: str = ""


class FakeMediaServer:
    """What it was asked, in order; ``answer`` may be set to anything."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Reply] = self.obey
        self.closing = threading.Event()
        """Ends whoever waits inside ``answer``."""
        self.port = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def offers(self) -> list[Asked]:
        return [one for one in self.asked if one.method == "POST"]

    def obey(self, asked: Asked) -> Reply:
        """Answer as livekit-server does when all is well."""
        count = len(self.asked)
        if asked.method == "POST":
            links = [("Link", link) for link in LINKS]
            place = ("Location", f"/whip/v1/PA_{count}")
            return Reply(201, [place, ("ETag", f"tag{count}"), *links], ANSWER)
        if asked.headers["If-Match"] == "*":
            return Reply(200, [("ETag", f"tag{count}")], "a=ice-ufrag:new\r\n")
        return Reply(204)


def failing(status: int, error: str) -> Callable[[Asked], Reply]:
    """Return an answer as livekit-server gives it to what it does not do."""
    return lambda _asked: Reply(status, (), f'{{"error":"{error}"}}\n')


@contextmanager
def media_server() -> Iterator[FakeMediaServer]:
    """Keep one for the length of a block."""
    fake = FakeMediaServer()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # Whoever asked has hung up.

    server = Server(("127.0.0.1", 0), _handler_of(fake))
    fake.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler_of(fake: FakeMediaServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked = Asked(self.command, self.path, self.headers, body)
            if asked.path.startswith("/twirp"):
                reply = Reply(200, (), '{"tracks": [{"name": "agent_voice"}]}')
            else:
                fake.asked.append(asked)
                reply = fake.answer(asked)
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(reply.body.encode())))
            self.end_headers()
            self.wfile.write(reply.body.encode())

        def do_PATCH(self) -> None:
            self.do_POST()

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
