"""Does a page behave? It complains of nothing and asks nobody but its own host."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError, WebSocket

_OWN_SCHEMES = ("data", "blob", "about")


@dataclass
class Watch:
    """Keeps what is wrong with the pages of one visitor, who may go to ``hosts`` only."""

    hosts: set[str]
    complaints: list[str] = field(default_factory=list[str])

    def over(self, context: BrowserContext) -> None:
        """Look at all that the pages of a context do from now on."""
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("request", self._on_request)
        context.on("page", self._on_page)

    def _on_console(self, message: ConsoleMessage) -> None:
        # A breach of the Content-Security-Policy is an error on the console as well.
        if message.type == "error":
            place = message.location
            self.complaints.append(f"{message.text} ({place['url']}:{place['lineNumber']})")

    def _on_error(self, error: WebError) -> None:
        self.complaints.append(f"Uncaught: {error.error}")

    def _on_request(self, request: Request) -> None:
        self._went_to(request.url)

    def _on_page(self, page: Page) -> None:
        page.on("websocket", self._on_socket)

    def _on_socket(self, socket: WebSocket) -> None:
        self._went_to(socket.url)

    def _went_to(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _OWN_SCHEMES and parts.netloc not in self.hosts:
            self.complaints.append(f"Went to another host: {url}")
