"""Whoever uses the dashboard without a mouse stays where they are, whatever comes and goes."""

from __future__ import annotations

from playwright.sync_api import expect

from sessions.store import SessionStore
from tests.fixtures.browser import Visits
from tests.fixtures.web import Web
from tests.support.dashboard_page import DashboardPage
from tests.support.sessions import Actor


def opened(visits: Visits, web: Web, view: str = "") -> DashboardPage:
    return DashboardPage(visits(f"{web.url}/dashboard{view}")).wait_until_live()


def test_skip_link_when_a_session_is_open_then_leads_to_it_and_not_away(
    visits: Visits, web: Web, actor: Actor
) -> None:
    session_id = actor.ready(user="Ada")
    page = opened(visits, web, f"#session={session_id}").page
    expect(page.get_by_role("heading", name="Ada")).to_be_visible()
    page.get_by_role("link", name="Skip to the content").press("Enter")
    expect(page.locator("#content")).to_be_focused()
    assert page.evaluate("location.hash") == f"#session={session_id}"
    expect(page.get_by_role("heading", name="Ada")).to_be_visible()


def test_archive_when_a_choice_is_made_then_keeps_the_focus_and_can_be_asked_again(
    visits: Visits, web: Web
) -> None:
    page = opened(visits, web, "#archive=").page
    fault = page.get_by_role("search").get_by_label("Fault", exact=True)
    fault.focus()
    with page.expect_response("**/dashboard/archive?fault=user&*"):
        fault.select_option("user")
    expect(page.locator("#found")).not_to_have_text("Searching…")
    expect(fault).to_be_focused()
    with page.expect_response("**/dashboard/archive?fault=user&*"):
        page.get_by_role("button", name="Search").press("Enter")


def test_table_when_the_chosen_call_ends_then_the_next_one_is_chosen_from_there(
    visits: Visits, web: Web, actor: Actor, store: SessionStore
) -> None:
    calls = [actor.ready(user=f"user {n}") for n in range(4)]
    dashboard = opened(visits, web)
    dashboard.expect_calls(4)
    dashboard.page.get_by_role("button", name="User", exact=True).click()
    for _ in range(3):
        dashboard.table.press("ArrowDown")
    chosen = "aria-activedescendant"
    expect(dashboard.table).to_have_attribute(chosen, f"row-{calls[2]}")
    web.end_session(store, calls[2])
    dashboard.expect_calls(3)
    dashboard.table.press("ArrowDown")
    expect(dashboard.table).to_have_attribute(chosen, f"row-{calls[3]}")


def test_question_when_its_page_is_left_then_goes_with_it(
    visits: Visits, web: Web, actor: Actor
) -> None:
    page = opened(visits, web, f"#session={actor.ready(user='Ada')}").page
    page.get_by_role("button", name="End call…").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.evaluate("location.hash = ''")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#calls-table")).to_be_visible()
