"""Somebody writes in the console: in a call, instead of one, without a microphone or a mouse."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.fixtures.browser import Visits
from tests.fixtures.house import House
from tests.support.accessibility import assert_presentable
from tests.support.console_page import Console

SHOP, HOURS = "Where is your shop?", "What are your opening hours?"
UNKNOWN = "Who won the football championship last year?"


def test_typed_question_when_in_a_call_then_the_answer_is_read_and_heard(
    console: Console, house: House
) -> None:
    console.write(SHOP)
    expect(console.line("caller", SHOP)).to_be_visible()
    expect(console.answers("Maple Street").get_by_label("Sources")).to_be_visible()
    console.ears.wait_for_words(house.settings.inference_url, "springfield")
    assert console.lines("agent").count() == 2, "It is read aloud, and no line of its own."


def test_call_when_the_microphone_is_not_allowed_then_says_so_and_goes_on_in_writing(
    visits: Visits, house: House
) -> None:
    console = Console(visits(f"{house.url}/", microphone=False))
    console.call()
    note = console.page.locator("#microphone-note")
    expect(note).to_have_attribute("data-code", "denied")
    expect(note).to_contain_text("does not let this page use the microphone")
    expect(console.status).to_contain_text("without a microphone")
    console.ears.wait_for_speech()
    console.write(SHOP)
    console.answers("Maple Street")

    console.page.context.grant_permissions(["microphone"])
    visits.microphone.says(house.settings.inference_url, HOURS, after=1)
    note.get_by_role("button").click()
    expect(note).to_be_hidden()
    expect(console.line("caller", "opening hours")).to_be_visible()


def test_call_when_there_is_only_a_keyboard_then_can_be_made_and_ended(
    visits: Visits, house: House
) -> None:
    page = visits(f"{house.url}/")
    console = Console(page)
    expect(page.get_by_role("button", name="Call", exact=True)).to_be_visible()
    go_to(page, "Opening line")
    page.keyboard.type("Hello from the keyboard.")
    go_to(page, "Call")
    page.keyboard.press("Enter")
    console.is_live()
    expect(console.line("agent", "from the keyboard")).to_be_visible()
    go_to(page, "Write to the agent")
    page.keyboard.type(SHOP)
    page.keyboard.press("Enter")
    console.answers("Maple Street")
    go_to(page, "End", backwards=True)
    page.keyboard.press("Space")
    expect(page.locator("#ended-text")).to_be_visible()
    house.wait_for_state(console.session_id, "ended")


def go_to(page: Page, name: str, *, backwards: bool = False) -> None:
    """Press Tab until the field or button of that name has the focus."""
    named = page.get_by_label(name).or_(page.get_by_role("button", name=name, exact=True))
    key = "Shift+Tab" if backwards else "Tab"
    for _ in range(30):
        page.keyboard.press(key)
        if named.and_(page.locator(":focus")).count():
            return
    raise AssertionError(f"{name} cannot be reached by the keyboard.")


def test_page_when_somebody_writes_instead_of_calling_then_answers_and_can_be_used_by_everybody(
    visits: Visits, house: House, node_packages: object
) -> None:
    page = visits(f"{house.url}/")
    console = Console(page)
    expect(page.get_by_role("radio", name="Ashley")).to_be_checked()
    assert_presentable(page)
    page.get_by_role("button", name="Write instead").click()
    console.is_live()
    console.write(UNKNOWN)
    answer = console.answers("do not know")
    expect(answer.locator(".handoff")).to_have_text("A person should take over here.")
    expect(answer.locator(".suggestions")).to_contain_text("talk to human")
    assert_presentable(page)
    console.end()
    assert_presentable(page)
