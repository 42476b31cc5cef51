"""An operator sees every live call as it comes, changes and goes, however many there are."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from sessions.fleet import Fleet, WorkerRecord
from sessions.settings import Settings
from sessions.store import SessionStore
from tests.fixtures.browser import DESK, PHONE, Visits
from tests.fixtures.web import Web
from tests.support.accessibility import assert_accessible
from tests.support.dashboard_page import DashboardPage, say
from tests.support.sessions import Actor

_GRID = """async () => {
    const { Grid } = await import('/dashboard/static/kit/grid.js');
    const make = (tag, ...parts) => {
        const made = document.createElement(tag);
        made.append(...parts);
        return made;
    };
    const scroller = make('div', make('table', make('thead'), make('tbody')));
    Object.assign(scroller.style, {height: '300px', overflow: 'auto', overflowAnchor: 'none'});
    document.body.append(scroller);
    const grid = new Grid(scroller, {
        key: (item) => item,
        create: () => make('tr', make('td', 'Row')),
        update() {}, tick() {}, open() {},
    });
    const soon = requestAnimationFrame;
    const frame = () => new Promise((done) => soon(() => soon(done)));
    await frame();
    const items = Array.from({length: 100}, (_, n) => `row ${n}`);
    grid.show(items);
    scroller.scrollTop = 1000;
    await frame();
    const { scrollTop } = scroller;
    const isResized = new Promise((done) => {
        const observer = new ResizeObserver(() => {
            if (scroller.style.height === '300px') return;
            grid.show(['new', ...items]);
            observer.disconnect();
            done();
        });
        observer.observe(scroller);
    });
    await frame();
    scroller.style.height = '280px';
    await isResized;
    await frame();
    const row = scroller.querySelector('td').parentElement;
    return [scroller.scrollTop - scrollTop, row.offsetHeight];
}"""


@pytest.fixture
def dashboard(visits: Visits, web: Web, actor: Actor) -> DashboardPage:
    """The dashboard, open before there is any call."""
    return DashboardPage(visits(f"{web.url}/dashboard")).wait_until_live()


def test_dashboard_when_fifty_sessions_come_change_and_go_then_it_follows(
    dashboard: DashboardPage, web: Web, actor: Actor, store: SessionStore
) -> None:
    expect(dashboard.page.locator("#calls-empty")).to_contain_text("No call is live")
    queued = [actor.queued(user=f"Waiting {n}") for n in range(10)]
    starting = [actor.starting(user=f"Starting {n}") for n in range(10)]
    ready = [actor.ready(user=f"Talking {n}") for n in range(25)]
    recovering = [actor.recovering(user=f"Hoping {n}") for n in range(5)]
    dashboard.expect_calls(50)
    for state, ids in (
        *(("queued", queued), ("starting", starting)),
        *(("ready", ready), ("recovering", recovering)),
    ):
        dashboard.expect_state(state, len(ids))
    row = dashboard.row(recovering[-1])
    expect(row).to_contain_text("Hoping 4")
    expect(row).to_contain_text("recovering")
    expect(row.locator("td.col-generation")).to_have_text("2")

    # It is claimed, and then talks.
    actor.claim(recovering[-1], 2)
    store.ready(recovering[-1], 2)
    say(store, recovering[-1], "Are you still there?", final=False)
    expect(row).to_contain_text("ready")
    expect(row.locator("td.col-words")).to_have_text("caller: Are you still there?…")
    expect(row.locator("td.col-worker")).to_have_text("test")
    expect(row.locator("td.col-voice")).to_have_text("Ashley")
    expect(row.locator("td.col-duration")).to_have_text(re.compile("^[0-9]:[0-5][0-9]$"))
    shown = row.locator("td.col-duration").inner_text()
    expect(row.locator("td.col-duration")).not_to_have_text(shown)

    for session_id in (*queued, *starting, *ready, *recovering[:-1]):
        web.end_session(store, session_id)
    dashboard.expect_calls(1)
    dashboard.expect_state("live", 1)
    ended = dashboard.page.locator("#ended tr")
    for name, count in (("Waiting", 10), ("Starting", 10), ("Talking", 25), ("Hoping", 4)):
        expect(ended.filter(has_text=name)).to_have_count(count)
    expect(ended.first).to_contain_text("ended by api")
    expect(dashboard.page.locator(".ends")).to_contain_text("ended by api")


def test_table_when_there_are_hundreds_then_only_what_is_seen_is_in_the_document(
    dashboard: DashboardPage, actor: Actor
) -> None:
    ids = [actor.text(user=f"User {n}") for n in range(300)]
    dashboard.expect_calls(300)
    assert dashboard.rows.count() < 50
    oldest = dashboard.row(ids[0])
    expect(oldest).to_have_count(0)
    dashboard.table.focus()
    dashboard.page.keyboard.press("End")
    expect(oldest).to_be_in_viewport()
    expect(dashboard.rows.last).to_have_attribute("aria-rowindex", "301")
    assert dashboard.rows.count() < 50

    # Those that are seen stay where they are while others come above them.
    for _ in range(2):
        dashboard.page.keyboard.press("PageUp")
    seen = dashboard.row(ids[15])
    expect(seen).to_be_in_viewport()
    place, index = dashboard.place(seen), int(seen.get_attribute("aria-rowindex") or 0)
    actor.text(user="New")
    dashboard.expect_calls(301)
    expect(seen).to_have_attribute("aria-rowindex", str(index + 1))
    assert dashboard.place(seen) == place


def test_table_when_a_row_comes_as_its_height_changes_then_those_that_are_seen_stay_there(
    visits: Visits, web: Web
) -> None:
    moved, height = visits(f"{web.url}/dashboard").evaluate(_GRID)
    assert moved == height > 0


def test_table_when_filtered_and_sorted_then_it_shows_what_was_asked_for(
    dashboard: DashboardPage, actor: Actor, store: SessionStore
) -> None:
    page = dashboard.page
    ids = {user: actor.ready(user=user) for user in ("Ada", "Grace", "Linus")}
    actor.queued(user="Waiting")
    say(store, ids["Grace"], "My parcel is lost.")
    expect(dashboard.row(ids["Grace"])).to_contain_text("parcel")
    dashboard.expect_users("Waiting", "Linus", "Grace", "Ada")

    user = dashboard.table.get_by_role("columnheader", name="User")
    user.get_by_role("button").click()
    expect(user).to_have_attribute("aria-sort", "ascending")
    dashboard.expect_users("Ada", "Grace", "Linus", "Waiting")
    user.get_by_role("button").click()
    expect(user).to_have_attribute("aria-sort", "descending")
    dashboard.expect_users("Waiting", "Linus", "Grace", "Ada")

    dashboard.state("ready").click()
    expect(page.locator("#calls-shown")).to_have_text("3 of 4")
    page.locator("#filter").fill("PARCEL grace")
    expect(page.locator("#calls-shown")).to_have_text("1 of 4")
    dashboard.expect_users("Grace")
    page.locator("#filter").fill("nobody")
    expect(page.locator("#calls-empty")).to_have_text("No live call is like that.")
    page.locator("#filter").fill("")
    dashboard.state("ready").click()
    expect(page.locator("#calls-shown")).to_have_text("4 live calls")


def test_table_when_used_by_keyboard_then_updates_leave_the_focus_alone(
    dashboard: DashboardPage, actor: Actor, store: SessionStore
) -> None:
    page = dashboard.page
    ids = [actor.ready(user=f"User {n}") for n in range(3)]
    dashboard.expect_calls(3)
    dashboard.table.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(dashboard.table).to_have_attribute("aria-activedescendant", f"row-{ids[1]}")
    actor.ready(user="New")
    say(store, ids[1], "Something else.")
    expect(dashboard.row(ids[1])).to_contain_text("Something else.")
    expect(dashboard.table).to_be_focused()
    expect(dashboard.row(ids[1])).to_have_attribute("aria-selected", "true")

    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{page.url.partition('#')[0]}#session={ids[1]}")
    expect(page.get_by_role("heading", name="User 1")).to_be_visible()
    page.go_back()
    dashboard.expect_calls(4)
    expect(dashboard.table).to_be_visible()


def test_aside_when_calls_wait_and_a_worker_drains_then_it_says_so(
    dashboard: DashboardPage,
    actor: Actor,
    store: SessionStore,
    settings: Settings,
    alive_worker: WorkerRecord,
) -> None:
    page = dashboard.page
    actor.queued(user="Patience")
    expect(page.locator("#queue")).to_contain_text("Patience")
    expect(page.locator("#workers")).to_contain_text("sessions@test")
    expect(page.locator("#workers")).to_contain_text("0/3")
    going = replace(
        alive_worker, busy=2, draining=True, version="9.9", waits_for="2 calls that go on"
    )
    Fleet(store.redis, settings).report(going)
    expect(page.locator("#workers .draining")).to_contain_text("9.9 · draining · waits for 2 calls")
    expect(page.locator("#workers")).to_contain_text("2/3")


def test_dashboard_when_looked_at_then_everybody_can_use_each_of_its_views(
    dashboard: DashboardPage, actor: Actor, store: SessionStore, web: Web, node_packages: None
) -> None:
    page = dashboard.page
    for n in range(30):
        actor.ready(user=f"User {n}")
    session_id = actor.recovering(user="Ada")
    say(store, session_id, "Hello?")
    web.end_session(store, actor.ready(user="Gone"))
    expect(page.locator("#ended")).to_contain_text("Gone")
    dashboard.expect_calls(31)
    _can_be_used(page)

    page.goto(f"{web.url}/dashboard#session={session_id}")
    expect(dashboard.part("Transcript")).to_contain_text("Hello?")
    _can_be_used(page)
    page.get_by_role("button", name="End call").click()
    assert_accessible(page)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Archive").click()
    expect(page.locator("#found-rows")).to_contain_text("Gone")
    _can_be_used(page)


def _can_be_used(page: Page) -> None:
    """By day and by night; on a phone nothing is cut off."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert_accessible(page)
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size(DESK)
