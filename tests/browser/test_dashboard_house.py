"""The dashboard before a real house: an agent is lost, another comes, a call is ended."""

from __future__ import annotations

import os
import signal

from playwright.sync_api import expect

from tests.fixtures.browser import Visits
from tests.fixtures.house import House
from tests.support.console_page import Console
from tests.support.dashboard_page import DashboardPage


def test_dashboard_when_a_call_changes_hands_and_is_ended_from_it_then_it_shows_both(
    visits: Visits, house: House
) -> None:
    page = visits(f"{house.url}/dashboard")
    dashboard = DashboardPage(page).wait_until_live()
    # It may see its connection closed before it hears that the call is over.
    visits.excuse("410")
    # Somebody has to be there and to say something, or else the call is over by itself.
    visits.microphone.says(house.settings.inference_url, "Where is your shop?")
    console = Console(visits(f"{house.url}/"))
    console.page.get_by_label("Your name").fill("Ada")
    console.call()
    session_id = console.session_id
    row = dashboard.row(session_id)
    expect(row).to_contain_text("ready")
    expect(row.locator("td.col-generation")).to_have_text("1")
    row.get_by_role("link").click()
    expect(dashboard.part("Timeline").locator("li")).to_have_count(5)

    os.kill(house.agent_pid(session_id), signal.SIGKILL)
    agents = dashboard.part("Agents and recoveries").locator("tbody tr")
    expect(agents).to_have_count(2)
    expect(agents.first).to_contain_text("agent died")
    expect(page.locator("#session-state")).to_have_text("ready")

    page.get_by_role("button", name="End call").click()
    page.get_by_role("button", name="End the call", exact=True).click()
    expect(page.locator("#session-state")).to_have_text("ended")
    expect(dashboard.part("Session")).to_contain_text("ended by api")
    shown = house.show(session_id)
    assert (shown["state"], shown["reason"]) == ("ended", "ended_by_api")
    page.get_by_role("link", name="All calls").click()
    expect(row).to_have_count(0)
    expect(page.locator("#ended")).to_contain_text("Ada")
