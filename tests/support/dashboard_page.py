"""How does a test read and use the dashboard?"""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from sessions.store import SessionStore

LIVE = "Live"


def say(store: SessionStore, session_id: str, text: str, *, final: bool = True) -> None:
    """Let the caller of a session say something, as agents tell of it."""
    turn = {"role": "user", "text": text, "generation": 1} if final else None
    data = {"speaker": "caller", "text": text, "final": final}
    store.emit(session_id, "transcript", data, turn=turn)


@dataclass(frozen=True)
class DashboardPage:
    """The dashboard in a browser."""

    page: Page

    def wait_until_live(self) -> DashboardPage:
        """Wait until the stream runs, and return the page."""
        expect(self.page.locator("#line-words")).to_have_text(LIVE)
        return self

    @property
    def table(self) -> Locator:
        return self.page.locator("#calls-table")

    @property
    def rows(self) -> Locator:
        """The rows of calls that are in the document."""
        return self.table.locator("tbody tr[role=row]")

    def row(self, session_id: str) -> Locator:
        return self.page.locator(f"#row-{session_id}")

    def place(self, row: Locator) -> float:
        """Return how far down in the table a row is seen, wherever the table is on the page."""
        seen, whole = row.bounding_box(), self.page.locator("#calls-scroller").bounding_box()
        assert seen is not None
        assert whole is not None
        return seen["y"] - whole["y"]

    def expect_calls(self, count: int) -> None:
        """Wait until the table has so many calls, in the document or not."""
        expect(self.table).to_have_attribute("aria-rowcount", str(count + 1))

    def expect_state(self, state: str, count: int) -> None:
        """Wait until so many calls are counted in a state; ``live`` are all."""
        expect(self.state(state).locator("b")).to_have_text(str(count))

    def state(self, state: str) -> Locator:
        """The button that counts the calls of a state and shows only those."""
        return self.page.locator("#states button").filter(has_text=state)

    def expect_users(self, *users: str) -> None:
        """Wait until these users' calls are shown, from top to bottom."""
        expect(self.rows.locator("td.col-user")).to_have_text(users)

    def part(self, title: str) -> Locator:
        """A part of a session's page."""
        return self.page.locator("#session section").filter(
            has=self.page.get_by_role("heading", name=title, exact=True)
        )
