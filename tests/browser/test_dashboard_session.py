"""One session's page tells all of it, live and afterwards, but its prompt only on request."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from sessions.archive import Archive
from sessions.database import open_database
from sessions.states import State
from sessions.store import SessionStore
from tests.fixtures.browser import Visits
from tests.fixtures.web import Web
from tests.support.dashboard_page import DashboardPage, say
from tests.support.eventually import eventually
from tests.support.http import archived
from tests.support.sessions import Actor

PROMPT = "Be brief."


def opened(visits: Visits, web: Web, session_id: str) -> DashboardPage:
    return DashboardPage(visits(f"{web.url}/dashboard#session={session_id}")).wait_until_live()


def test_page_when_the_session_goes_on_then_it_tells_all_of_it(
    visits: Visits, web: Web, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.ready(user="Ada", aliases=["my-own-name"])
    say(store, session_id, "Where are you?")
    dashboard = opened(visits, web, session_id)
    facts = dashboard.part("Session")
    for known in (session_id, "Ashley", "sessions@test", "my-own-name", "sample"):
        expect(facts).to_contain_text(known)
    timeline = dashboard.part("Timeline").locator("li")
    expect(timeline).to_have_count(2)
    expect(timeline.first).to_contain_text("a process took it")
    expect(dashboard.page.locator("#session-state")).to_have_text("ready")

    said = dashboard.part("Transcript").locator("li")
    expect(said).to_have_count(1)
    say(store, session_id, "Are you", final=False)
    expect(said.last).to_contain_text("still speaking")
    say(store, session_id, "Are you open on", final=False)
    say(store, session_id, "Are you open on Sundays?")
    expect(said).to_have_count(2)
    expect(said.last).to_contain_text("Are you open on Sundays?")
    expect(said.last).not_to_contain_text("still speaking")
    events = dashboard.part("Events").locator("li")
    expect(events.first).to_contain_text("Are you open on Sundays?")
    before = events.count()
    dashboard.page.get_by_role("checkbox").check()
    expect(events).to_have_count(before + 2)

    store.recover(session_id, "agent_died", unless_leased=False)
    expect(dashboard.page.locator("#session-state")).to_have_text("recovering")
    actor.claim(session_id, 2)
    store.ready(session_id, 2)
    expect(dashboard.page.locator("#session-state")).to_have_text("ready")
    agents = dashboard.part("Agents and recoveries")
    expect(agents).to_contain_text("1 recovery")
    expect(agents.locator("tbody tr")).to_have_count(2)
    expect(agents.locator("tbody tr").first).to_contain_text("agent died")
    expect(said).to_have_count(2)

    web.end_session(store, session_id)
    expect(dashboard.page.locator("#session-state")).to_have_text("ended")
    expect(facts).to_contain_text("ended by api (fault: user)")
    expect(dashboard.page.get_by_role("button", name="End call")).to_be_hidden()


def test_page_when_it_is_opened_by_the_clients_name_then_it_follows_the_session(
    visits: Visits, web: Web, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.ready(user="Ada", scope="development", aliases=["by-my-name"])
    dashboard = opened(visits, web, "by-my-name")
    expect(dashboard.part("Session")).to_contain_text(session_id)
    say(store, session_id, "Where are you?")
    expect(dashboard.part("Transcript").locator("li")).to_have_count(1)


def test_prompt_when_it_is_asked_for_then_it_is_shown_and_logged_and_not_before(
    visits: Visits, web: Web, actor: Actor
) -> None:
    session_id = actor.ready()
    told: list[str] = []
    page = visits.visitor(web.url)
    page.on("requestfinished", lambda request: told.append(request.url))
    page.goto(f"{web.url}/dashboard#session={session_id}")
    dashboard = DashboardPage(page).wait_until_live()
    expect(dashboard.part("Session")).to_contain_text(session_id)
    assert PROMPT not in page.content()
    assert not [url for url in told if url.endswith("/prompt")]
    log = len(web.child.log.read_text())

    expect(page.locator("#prompt-note")).to_have_text("Looking at the prompt is logged.")
    page.get_by_role("button", name="Show prompt").click()
    prompt = page.locator(".prompt")
    expect(prompt).to_contain_text(PROMPT)
    expect(prompt).to_contain_text("Hello Ada.")

    def logged() -> list[str]:
        lines = web.child.log.read_text()[log:].splitlines()
        return [line for line in lines if "prompt_shown" in line]

    [line] = eventually(logged, 20, "the look is logged")
    assert session_id in line
    assert PROMPT not in line
    prompt.get_by_role("button", name="Hide").click()
    assert PROMPT not in page.content()
    expect(page.get_by_role("button", name="Show prompt")).to_be_focused()


def test_end_when_the_operator_is_asked_then_only_a_yes_ends_the_call(
    visits: Visits, web: Web, actor: Actor, store: SessionStore
) -> None:
    session_id = actor.ready(user="Ada")
    page = opened(visits, web, session_id).page
    end = page.get_by_role("button", name="End call…")
    end.click()
    expect(page.get_by_role("dialog")).to_contain_text("End the call of Ada?")
    expect(page.get_by_role("button", name="Keep the call")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    end.click()
    page.get_by_role("button", name="Keep the call").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert store.redis.hget(f"session:{session_id}", "state") == State.READY
    end.click()
    page.get_by_role("button", name="End the call", exact=True).click()
    expect(page.locator("#session-state")).to_have_text("ending")
    expect(end).to_be_disabled()


def test_end_when_it_is_not_known_yet_whose_call_it_is_then_cannot_be_pressed(
    visits: Visits, web: Web, actor: Actor
) -> None:
    session_id = actor.ready(user="Ada")
    page = visits.visitor(web.url)
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    detail = f"**/dashboard/sessions/{session_id}"
    page.route(detail, hold)
    page.goto(f"{web.url}/dashboard#session={session_id}")
    DashboardPage(page).wait_until_live()
    expect(page.get_by_role("heading", name="Session", exact=True)).to_be_visible()
    # What is not there at all would be hidden, too.
    expect(page.locator("#end")).to_be_attached()
    for button in ("#end", "#show-prompt"):
        expect(page.locator(button)).to_be_hidden()
    # What is asked from now on goes on; the last one counts.
    page.route(detail, lambda route: route.continue_())
    for route in asked:
        route.continue_()
    page.get_by_role("button", name="End call…").click()
    expect(page.get_by_role("dialog")).to_contain_text("End the call of Ada?")


def test_page_when_the_session_is_in_the_archive_then_it_is_shown_from_there(
    visits: Visits, web: Web, actor: Actor
) -> None:
    engine = open_database(web.settings.database_url)
    old = archived(user_name="Grace", recoveries=1, generation=2)
    Archive(engine).save(old, [])
    engine.dispose()
    dashboard = opened(visits, web, old.id)
    page = dashboard.page
    expect(page.get_by_role("heading", name="Grace")).to_be_visible()
    expect(dashboard.part("Transcript")).to_contain_text("Hello.")
    expect(dashboard.part("Events")).to_contain_text("none kept")
    expect(page.get_by_role("button", name="End call")).to_be_hidden()
    page.get_by_role("button", name="Show prompt").click()
    expect(page.locator(".prompt")).to_contain_text("Keep this to yourself.")


@pytest.mark.parametrize(
    ("session_id", "status", "words"),
    [("session_1753590741399_qlgq6cfjw", "404", "session"), ("<b>", "400", "id")],
    ids=["unknown", "no id"],
)
def test_page_when_there_is_no_such_session_then_it_says_so(
    visits: Visits, web: Web, actor: Actor, session_id: str, status: str, words: str
) -> None:
    visits.excuse(status)
    page = opened(visits, web, session_id).page
    expect(page.locator("#session-problem")).to_contain_text(words)
    assert_back_to_all_calls(page)


def assert_back_to_all_calls(page: Page) -> None:
    page.get_by_role("link", name="All calls").click()
    expect(page.locator("#calls-table")).to_be_visible()
