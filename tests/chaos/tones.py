"""How do many calls speak on two processors? In tones: ``python -m tests.chaos.tones PORT URL``.

An OpenAI-compatible speech server. The voice of light calls is a tone as long as its text would
take; every other voice is passed on to the real model server at ``URL``.
"""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

import numpy as np

TONE_VOICE = "Ashley"
_RATE = 24_000
_SECONDS_A_LETTER = 0.03


@lru_cache
def tone(letters: int) -> bytes:
    """Return a tone for a text of so many letters, as 24 kHz mono s16le."""
    moments = np.arange(int(_RATE * max(0.4, letters * _SECONDS_A_LETTER))) / _RATE
    return (8000 * np.sin(2 * np.pi * 440 * moments)).astype(np.int16).tobytes()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    real_url = ""

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = json.loads(content)
        if asked["voice"] == TONE_VOICE:
            audio = tone(len(asked["input"]))
        else:
            asked["model"] = "tts-1"
            headers = {"Content-Type": "application/json"}
            request = Request(f"{self.real_url}/audio/speech", json.dumps(asked).encode(), headers)
            with urlopen(request, timeout=20) as answer:
                audio = answer.read()
        self.send_response(200)
        self.send_header("Content-Type", "audio/pcm")
        self.send_header("Content-Length", str(len(audio)))
        self.end_headers()
        self.wfile.write(audio)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Let callers that are killed in the middle be no news."""


if __name__ == "__main__":
    _Handler.real_url = sys.argv[2]
    _Server(("127.0.0.1", int(sys.argv[1])), _Handler).serve_forever()
