"""What the dashboard says when it is cut off, comes back, or is not let in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from sessions.apikeys import ApiKeys
from sessions.database import open_database
from sessions.states import Reason
from sessions.store import SessionStore
from tests.fixtures.browser import Visits
from tests.fixtures.http import LIVEKIT_SECRET
from tests.fixtures.redis import MakeSettings
from tests.fixtures.web import ServeWeb, Web
from tests.support.accessibility import assert_accessible
from tests.support.cutting import line_to
from tests.support.dashboard_page import DashboardPage, say
from tests.support.ports import free_port
from tests.support.sessions import Actor

CUT = "ERR_|network error"


def test_stream_when_the_server_goes_and_returns_then_the_page_says_so_and_catches_up(
    visits: Visits, serve_web: ServeWeb, actor: Actor
) -> None:
    visits.excuse(CUT)
    port = free_port()
    first = actor.ready(user="Before")
    with serve_web(port=port) as web:
        page = visits(f"{web.url}/dashboard")
        dashboard = DashboardPage(page).wait_until_live()
        expect(dashboard.row(first)).to_contain_text("Before")
    expect(page.locator("#line-words")).to_contain_text("Connection lost")
    expect(page.locator("#line-pause")).to_contain_text("Next try in")
    expect(dashboard.row(first)).to_be_visible()
    page.get_by_role("button", name="Try now").click()
    actor.store.begin_ending(first, Reason.ENDED_BY_API)
    second = actor.text(user="Meanwhile")
    with serve_web(port=port):
        dashboard.wait_until_live()
        expect(dashboard.row(second)).to_contain_text("Meanwhile")
        expect(dashboard.row(first)).to_contain_text("ending")
        expect(page.get_by_role("button", name="Try now")).to_be_hidden()


def test_stream_when_the_line_is_cut_then_the_page_and_an_open_session_go_on(
    visits: Visits, web: Web, actor: Actor, store: SessionStore
) -> None:
    visits.excuse(CUT)
    session_id = actor.ready(user="Ada")
    with line_to(web.settings.port) as line:
        page = visits(f"{line.url}/dashboard#session={session_id}")
        dashboard = DashboardPage(page).wait_until_live()
        expect(dashboard.part("Session")).to_contain_text(session_id)
        assert line.cut() > 0
        say(store, session_id, "Can you hear me?")
        expect(dashboard.part("Transcript").locator("li")).to_have_count(1)
        dashboard.wait_until_live()
        page.get_by_role("link", name="All calls").click()
        expect(dashboard.row(session_id)).to_contain_text("Can you hear me?")


@dataclass(frozen=True)
class Guarded:
    """A web front that asks for a key, and who has one."""

    url: str
    admin: str
    shop: str


@pytest.fixture
def guarded(serve_web: ServeWeb, make_settings: MakeSettings) -> Iterator[Guarded]:
    """The web front as in production."""
    database_url = make_settings().database_url
    engine = open_database(database_url)
    keys = ApiKeys(engine)
    admin, shop = keys.create("boss", admin=True)[1], keys.create("shop")[1]
    engine.dispose()
    secret = LIVEKIT_SECRET
    with serve_web(mode="production", livekit_api_secret=secret, database_url=database_url) as web:
        yield Guarded(web.url, admin, shop)


def knock(page: Page, secret: str) -> None:
    page.get_by_label("Key", exact=True).fill(secret)
    page.get_by_role("button", name="Open").click()


def test_door_when_a_key_is_asked_for_then_only_an_admins_opens_and_it_stays_in_the_tab(
    visits: Visits, guarded: Guarded, node_packages: None
) -> None:
    visits.excuse("401|403")
    page = visits(f"{guarded.url}/dashboard#archive=")
    expect(page.get_by_role("heading", name="Admin key")).to_be_visible()
    expect(page.get_by_label("Key", exact=True)).to_be_focused()
    assert_accessible(page)
    knock(page, "sb_nonsense")
    expect(page.get_by_role("alert")).to_contain_text("does not know this key")
    knock(page, guarded.shop)
    expect(page.get_by_role("alert")).to_contain_text("is not an admin key")
    assert page.evaluate("sessionStorage.length") == 0

    knock(page, guarded.admin)
    dashboard = DashboardPage(page).wait_until_live()
    expect(page.locator("#found")).to_have_text("Nothing was found.")
    assert guarded.admin not in page.url
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    page.reload()
    dashboard.wait_until_live()
    page.get_by_role("button", name="Forget key").click()
    expect(page.get_by_role("heading", name="Admin key")).to_be_visible()
    expect(page.locator("#archive")).to_be_hidden()
    expect(page.locator("#archive")).to_be_empty()
    assert page.evaluate("sessionStorage.length") == 0
