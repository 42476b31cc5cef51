"""Somebody opens the console, presses one button, and talks."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.fixtures.browser import Visits
from tests.fixtures.house import House
from tests.support.accessibility import assert_accessible
from tests.support.console_page import Console
from tests.support.eventually import eventually
from tests.support.speech import RATE

SHOP, HOURS = "Where is your shop?", "What are your opening hours?"


def test_call_when_somebody_asks_then_sees_and_hears_the_right_answer_and_how_it_came_about(
    visits: Visits, house: House, node_packages: Path
) -> None:
    models = house.settings.inference_url
    console = Console(visits(f"{house.url}/"))
    console.call(voice="Craig", opening_line="Hello, you are through.")
    page = console.page
    expect(page.locator("#agent-name")).to_have_text("Craig")
    expect(console.line("agent", "you are through")).to_be_visible()
    visits.microphone.says(models, SHOP)
    console.change_microphone()
    expect(console.line("caller", "shop")).to_be_visible()
    expect(console.answers("Maple Street").get_by_label("Sources")).to_contain_text("visit.html")
    console.ears.wait_for_words(models, "springfield")
    console.has_been("speaking")
    assert_accessible(page)

    for level in ("#level-you", "#level-agent"):
        assert int(page.locator(level).get_attribute("data-peak") or 0) > 0
    expect(page.locator("#timeline li[data-step=firstAudio]")).to_be_visible()
    page.get_by_role("button", name="Copy the session id").click()
    expect(page.locator("#copied")).not_to_be_empty()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == console.session_id
    assert house.show(copied)["config"]["voiceId"] == "Craig"


def test_mute_when_pressed_then_nothing_is_heard_until_it_is_pressed_again(
    console: Console, visits: Visits, house: House
) -> None:
    models = house.settings.inference_url
    visits.microphone.says(models, SHOP)
    console.change_microphone()
    expect(console.line("caller", "shop")).to_be_visible()
    mute = console.page.get_by_role("button", name="Mute")
    mute.click()
    expect(mute).to_have_attribute("aria-pressed", "true")
    eventually(lambda: not house.show(console.session_id)["config"]["listening"], 20)
    # The first question may still be on its way into the transcript; the second must not get there.
    period = visits.microphone.says(models, HOURS, pause=2.5)
    console.change_microphone()
    console.ears.wait_until(console.ears.position + round(1.5 * period * RATE))
    expect(console.lines("caller").filter(has_text="hours")).to_have_count(0)
    mute.click()
    expect(mute).to_have_attribute("aria-pressed", "false")
    expect(console.line("caller", "opening hours")).to_be_visible()


def test_two_pages_when_they_call_at_once_then_each_has_its_own_conversation(
    visits: Visits, house: House
) -> None:
    models = house.settings.inference_url
    callers = {"bakery": (SHOP, "Springfield"), "garage": (HOURS, "Monday")}
    consoles: dict[str, Console] = {}
    for name, (question, _) in callers.items():
        visits.microphone.is_quiet()
        consoles[name] = Console(visits(f"{house.url}/"))
        consoles[name].call(opening_line=f"Welcome to the {name}.")
        expect(consoles[name].line("agent", name)).to_be_visible()
        visits.microphone.says(models, question)
        consoles[name].change_microphone()
    for name, (_, answer) in callers.items():
        expect(consoles[name].line("agent", answer)).to_be_visible()
    for name, other in (("bakery", "garage"), ("garage", "bakery")):
        # Of the answer, which is given again and again: the opening line is said only once.
        heard = consoles[name].ears.wait_for_words(models, callers[name][1].lower())
        read = consoles[name].page.locator("#transcript").inner_text()
        for what in (name, callers[name][1].lower()):
            assert what in read.lower()
        for what in (other, callers[other][1].lower()):
            assert what not in read.lower()
            assert what not in heard
