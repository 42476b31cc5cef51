"""What stands in for an LLM where there is no key? A few rules behind OpenAI's chat API.

It streams, and it calls the tool, so everything but the thinking is as with a real model.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOOL = "order_status"
WHICH = "Of course. What is the number of the order?"
GREETING = "I can tell you what has become of an order. What is its number?"
GOODBYE = "You are welcome. Goodbye."


def number_in(text: str) -> str | None:
    """Return the first number that somebody has said: "42", "4 2" or "4-2"."""
    digits = re.search(r"\d[\d ,.-]*", text)
    return re.sub(r"\D", "", digits[0]) if digits else None


def think(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the message that follows ``messages``."""
    last = messages[-1]
    if last["role"] == "tool":
        return {"role": "assistant", "content": text_of(last)}
    said = text_of(last)
    number = number_in(said)
    if number is not None:
        function = {"name": TOOL, "arguments": json.dumps({"order_number": number})}
        call = {"index": 0, "id": f"call_{len(messages)}", "type": "function", "function": function}
        return {"role": "assistant", "tool_calls": [call]}
    words = said.lower()
    if "order" in words or "parcel" in words:
        return {"role": "assistant", "content": WHICH}
    if "thank" in words or "bye" in words:
        return {"role": "assistant", "content": GOODBYE}
    return {"role": "assistant", "content": GREETING}


def text_of(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else " ".join(part["text"] for part in content)


def deltas(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a message as a stream has it: its words one by one."""
    if "tool_calls" in message:
        yield message
        return
    yield {"role": "assistant", "content": ""}
    for word in message["content"].split(" "):
        yield {"content": f"{word} "}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        message = think(asked["messages"])
        reason = "tool_calls" if "tool_calls" in message else "stop"
        if not asked.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": reason}
            self.begin("application/json")
            self.send(json.dumps(self.chunk("chat.completion", choice)))
        else:
            self.begin("text/event-stream")
            for delta in deltas(message):
                self.stream({"index": 0, "delta": delta, "finish_reason": None})
            self.stream({"index": 0, "delta": {}, "finish_reason": reason})
            self.send("data: [DONE]\n\n")
        self.send("")

    def begin(self, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def stream(self, choice: dict[str, Any]) -> None:
        self.send(f"data: {json.dumps(self.chunk('chat.completion.chunk', choice))}\n\n")

    def send(self, text: str) -> None:
        body = text.encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(body), body))

    def chunk(self, kind: str, choice: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": "scripted",
            "object": kind,
            "created": 0,
            "model": "scripted",
            "choices": [choice],
        }

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet about what was said."""


if __name__ == "__main__":
    port = int(os.environ.get("SCRIPTED_MODEL_PORT", "8201"))
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
