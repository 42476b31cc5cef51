"""The pictures of the README: both pages as they are, with calls in them.

`make pictures` writes them to docs/images; a test run only sees that they could be.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sessions.database import open_database
from sessions.store import SessionStore
from tests.fixtures.browser import Visits
from tests.fixtures.house import House
from tests.fixtures.web import ServeWeb
from tests.support.busy_day import had_a_day, is_busy
from tests.support.console_page import Console
from tests.support.dashboard_page import DashboardPage
from tests.support.processes import ROOT

ASKED = os.environ.get("PICTURES", "")
MOST_BYTES = 150_000
BICYCLE = "What does it cost to rent a bicycle?"


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Where pictures go to: the folder that PICTURES names, else one that is thrown away."""
    folder = ROOT / ASKED if ASKED else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def console(visits: Visits, house: House) -> Iterator[Console]:
    """A console in the middle of a call in which both sides have spoken."""
    console = Console(visits(f"{house.url}/"))
    console.call(opening_line="Hello, this is Millbrook Cycles. How can I help you?")
    expect(console.line("agent", "Millbrook Cycles")).to_be_visible()
    console.write(BICYCLE)
    console.answers("bicycle")
    yield console
    console.end()


def take(page: Page, path: Path, height: int) -> None:
    """Photograph what the window shows."""
    page.set_viewport_size({"width": 1200, "height": height})
    page.screenshot(path=path, animations="disabled", caret="hide")
    assert path.stat().st_size < MOST_BYTES, f"{path.name} is too large for a README."


def test_console_when_in_a_call_then_can_be_photographed_light_and_dark(
    console: Console, album: Path
) -> None:
    console.has_been("speaking")
    if ASKED:
        expect(console.agent).to_have_attribute("data-state", "speaking")
    take(console.page, album / "console.png", 860)
    console.page.emulate_media(color_scheme="dark")
    take(console.page, album / "console-dark.png", 860)


def test_dashboard_when_the_house_is_busy_then_can_be_photographed(
    visits: Visits, house: House, serve_web: ServeWeb, store: SessionStore, album: Path
) -> None:
    # It goes before its page does.
    visits.excuse("ERR_")
    near = {
        "livekit_url": house.settings.livekit_url,
        "inference_url": house.settings.inference_url,
    }
    with serve_web(**near) as web:
        engine = open_database(web.settings.database_url)
        had_a_day(store, engine, hours=24 if ASKED else 1)
        engine.dispose()
        calls = is_busy(store, web.settings)
        page = visits(f"{web.url}/dashboard", dark=True)
        dashboard = DashboardPage(page).wait_until_live()
        dashboard.expect_calls(len(calls))
        expect(dashboard.row(calls[0])).to_contain_text("Can I")
        take(page, album / "dashboard-dark.png", 780)
        page.emulate_media(color_scheme="light")
        take(page, album / "dashboard.png", 780)
