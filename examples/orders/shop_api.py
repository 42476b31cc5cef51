"""The shop's HTTP API, as small as one can be: `GET /orders/<number>` answers JSON."""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ORDERS = json.loads((Path(__file__).parent / "orders.json").read_text(encoding="utf-8"))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        folder, _, number = self.path.rpartition("/")
        order = ORDERS.get(number) if folder == "/orders" else None
        self.reply(200, order) if order else self.reply(404, {"error": "There is no such order."})

    def reply(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    port = int(os.environ.get("ORDERS_API_PORT", "8200"))
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
