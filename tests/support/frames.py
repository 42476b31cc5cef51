"""Which events has a page been sent over all its sockets?"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from playwright.sync_api import Page, WebSocket


@dataclass
class Frames:
    """Keeps what the sockets of a page bring."""

    sockets: int = 0
    received: list[dict[str, object]] = field(default_factory=list[dict[str, object]])

    @classmethod
    def of(cls, page: Page) -> Frames:
        """Return what keeps the frames of a page that has opened no socket yet."""
        frames = cls()
        page.on("websocket", frames._on_socket)
        return frames

    def events(self) -> list[object]:
        """Return the ids of the numbered events, in the order in which they came."""
        first = "session_confirmed"
        return [frame["id"] for frame in self.received if "id" in frame and frame["type"] != first]

    def _on_socket(self, socket: WebSocket) -> None:
        self.sockets += 1
        socket.on("framereceived", lambda text: self.received.append(json.loads(text)))
