"""What does a provider do that answers, errs, stalls and hangs up on demand?

An OpenAI-compatible server in a thread of the test: each route gives its scripted answers one after
the other, then its usual one. The answers are made in ``scripted_answers``.
"""

from __future__ import annotations

import io
import json
import socket
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from tests.support.scripted_answers import (
    Answer,
    Then,
    embeddings,
    error,
    speech,
    transcript,
    whole,
    words,
)

SPEECH = "/v1/audio/speech"
HEARING = "/v1/audio/transcriptions"
CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"


@dataclass(frozen=True)
class Received:
    """A request: ``body`` is the JSON, or the fields of a form with its files as bytes."""

    path: str
    key: str
    body: dict[str, Any]


@dataclass
class ScriptedOpenAI:
    """A running server, its scripts and what it was asked."""

    url: str
    received: list[Received] = field(default_factory=list[Received])
    usual: dict[str, Answer] = field(default_factory=dict[str, Answer])
    """What each route gives where nothing is scripted; nothing here: a good answer."""
    over: threading.Event = field(default_factory=threading.Event)
    _scripts: dict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))

    def script(self, path: str, *answers: Answer) -> None:
        """Let the next requests to a route get these answers."""
        self._scripts[path].extend(answers)

    def asked(self, path: str) -> list[Received]:
        """Return what a route was asked so far."""
        return [one for one in self.received if one.path == path]

    def reset(self) -> None:
        """Forget every script and request."""
        self._scripts.clear()
        self.usual.clear()
        self.received.clear()

    def answer(self, request: Received) -> Answer:
        """Return what a request gets."""
        self.received.append(request)
        script = self._scripts[request.path]
        answer = script.popleft() if script else self.usual.get(request.path) or _good(request)
        if request.path == CHAT and not request.body.get("stream"):
            return whole(answer)
        return answer


@contextmanager
def scripted_openai(port: int = 0) -> Iterator[ScriptedOpenAI]:
    """Keep a scripted server running; without ``port``, on a free one."""
    server = _Server(port)
    scripted = server.scripted
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield scripted
    finally:
        scripted.over.set()
        server.shutdown()
        server.server_close()
        server.hang_up()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.scripted = ScriptedOpenAI(f"http://127.0.0.1:{self.server_port}/v1")
        self.connections: set[socket.socket] = set()

    def hang_up(self) -> None:
        """Close what clients keep open, as the end of a process would."""
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def do_POST(self) -> None:
        scripted = self.server.scripted
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        answer = scripted.answer(Received(self.path, key, self._body()))
        scripted.over.wait(answer.delay)
        if answer.pieces or answer.then is Then.END:
            self._send(answer)
        if answer.then is Then.STALL:
            scripted.over.wait()
        if answer.then is not Then.END:
            self.close_connection = True
            with suppress(OSError):  # the client may have been quicker.
                self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in answer.pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        if answer.then is Then.END:
            self.wfile.write(b"0\r\n\r\n")

    def _body(self) -> dict[str, Any]:
        length = int(self.headers.get("Content-Length", 0))
        kind, options = parse_options_header(self.headers.get("Content-Type", ""))
        if kind != "multipart/form-data":
            return json.loads(self.rfile.read(length) or b"{}")
        content = io.BytesIO(self.rfile.read(length))
        _, form, files = FormDataParser().parse(content, kind, length, options)
        fields: dict[str, Any] = form.to_dict()
        for name, file in files.items():
            with file.stream:
                fields[name] = file.read()
        return fields

    def handle(self) -> None:
        """Serve a connection; a client that hangs up in the middle is no news."""
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _good(request: Received) -> Answer:
    match request.path:
        case "/v1/audio/speech":
            return speech(max(0.5, 0.05 * len(request.body["input"])))
        case "/v1/audio/transcriptions":
            return transcript("Hello.")
        case "/v1/chat/completions":
            return words("Good", " to", " know.")
        case "/v1/embeddings":
            asked = request.body["input"]
            return embeddings([asked] if isinstance(asked, str) else asked)
        case _:
            return error(404, f"Nothing is served at {request.path}.")
