"""What has ended is found by who, why, when and what was said, one page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, expect

from sessions.archive import Archive
from sessions.database import open_database
from tests.fixtures.browser import Visits
from tests.fixtures.redis import RedisServer
from tests.fixtures.web import ServeWeb, Web
from tests.support.http import archived

DAY = 24 * 3600 * 1000
NEWEST = 1_780_000_000_000


@pytest.fixture(scope="module")
def old_web(serve_web: ServeWeb, redis_server: RedisServer) -> Iterator[Web]:
    """A web front with an archive of its own: 60 sessions, one a day."""
    with serve_web(redis_url=redis_server.database(3)) as web:
        engine = open_database(web.settings.database_url)
        archive = Archive(engine)
        for n in range(60):
            archive.save(
                archived(
                    accepted_at=NEWEST - n * DAY,
                    user_name="Grace" if n % 20 == 7 else "Ada",
                    reason="provider_error" if n == 27 else "user_left",
                    fault="provider" if n == 27 else "user",
                    transcript=[
                        {"role": "user", "text": f"Order number {n}.", "at": 1, "generation": 1}
                    ],
                ),
                [],
            )
        engine.dispose()
        yield web


@pytest.fixture
def page(visits: Visits, old_web: Web) -> Page:
    """The archive, with nothing asked for yet."""
    return visits(f"{old_web.url}/dashboard#archive=")


def found(page: Page) -> Locator:
    return page.locator("#found-rows tr")


def search(page: Page, **wanted: str) -> None:
    for label, value in wanted.items():
        field = page.get_by_role("search").get_by_label(label.replace("_", " "), exact=True)
        if field.evaluate("(field) => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.get_by_role("button", name="Search").click()


def test_archive_when_there_are_more_than_fit_then_it_has_pages_with_addresses(page: Page) -> None:
    expect(found(page)).to_have_count(50)
    newest = found(page).first.inner_text()
    page.get_by_role("link", name="Older").click()
    expect(found(page)).to_have_count(10)
    page.reload()
    expect(found(page)).to_have_count(10)
    page.go_back()
    expect(found(page)).to_have_count(50)
    assert found(page).first.inner_text() == newest
    page.go_forward()
    page.get_by_role("link", name="Newest").click()
    expect(found(page)).to_have_count(50)


def test_archive_when_searched_then_all_conditions_hold_and_a_session_opens(page: Page) -> None:
    search(page, User="Grace")
    expect(found(page)).to_have_count(3)
    search(page, Fault="provider")
    expect(found(page)).to_have_count(1)
    expect(found(page)).to_contain_text("provider error")
    found(page).get_by_role("link").click()
    expect(page.locator(".transcript")).to_contain_text("Order number 27.")
    page.go_back()
    expect(found(page)).to_have_count(1)
    expect(page.get_by_role("search").get_by_label("User")).to_have_value("Grace")
    search(page, User="Nobody")
    expect(page.locator("#found")).to_have_text("Nothing was found.")


def test_archive_when_searched_for_words_and_days_then_it_finds_them(
    page: Page, visits: Visits
) -> None:
    search(page, Words_that_were_said="number 42.")
    expect(found(page)).to_have_count(1)
    noon = datetime.fromtimestamp(NEWEST / 1000, UTC).astimezone()
    search(page, Words_that_were_said="", Accepted_from=noon.isoformat()[:16])
    expect(found(page)).to_have_count(1)

    visits.excuse("422")
    search(page, Accepted_before="2001-01-01T00:00")
    expect(page.locator("#archive [role=alert]")).to_contain_text("later than")
