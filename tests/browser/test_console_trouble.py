"""The line breaks, the agent dies, somebody leaves: the console says what is wrong, and copes."""

from __future__ import annotations

import os
import re
import signal

from playwright.sync_api import Response, Route, expect

from sessions.settings import Settings
from tests.fixtures.browser import Visits, aside
from tests.fixtures.house import House
from tests.fixtures.http import LIVEKIT_SECRET, MakeKey
from tests.fixtures.web import ServeWeb, Web
from tests.support import loopback
from tests.support.console_page import Console
from tests.support.cutting import line_to
from tests.support.eventually import eventually
from tests.support.frames import Frames

SHOP, HOURS = "Where is your shop?", "What are your opening hours?"
_LOSE_THE_NETWORK = """() => {
    const peer = window.testLost = testEars.connection;
    const offer = peer.createOffer.bind(peer);
    const tell = () => peer.dispatchEvent(new Event("connectionstatechange"));
    Object.defineProperty(peer, "connectionState", {value: "disconnected", configurable: true});
    peer.createOffer = (wish) => {
        if (wish?.iceRestart) delete peer.connectionState;
        return offer(wish);
    };
    window.testFound = tell;
    tell();
}"""
_WAYS = """async () => {
    const stats = [...(await testEars.connection.getStats()).values()];
    return stats.filter(({type, nominated}) => type === "candidate-pair" && nominated).length;
}"""
CUT = "ERR_|WebSocket connection"
"""What a browser logs by itself while it reaches nobody."""


def ask(house: House, session_id: str, message: str) -> None:
    """Ask in a session from elsewhere, and wait for the answer."""
    answer = loopback.post(
        f"{house.url}/chat",
        json={"session_id": session_id, "message": message},
        headers={"Prefer": "wait=10"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text


def test_network_when_it_is_cut_and_comes_back_then_no_event_is_lost_or_doubled(
    visits: Visits, house: House
) -> None:
    visits.excuse(CUT)
    with line_to(house.settings.port) as line:
        page = visits.visitor(line.url)
        frames = Frames.of(page)
        page.goto(f"{line.url}/")
        console = Console(page)
        console.call()
        expect(console.line("agent", "Hello")).to_be_visible()
        console.write(SHOP)
        console.answers("Maple Street")
        with line.away():
            expect(console.status).to_have_attribute("data-state", "reconnecting")
            expect(page.locator("#events-line")).to_have_attribute("data-state", "reconnecting")
            ask(house, console.session_id, HOURS)
        console.answers("Saturday")
        console.is_live()
        ask(house, console.session_id, "What does it cost to rent a bicycle?")
        line.cut()

        def has_come_back() -> bool:
            page.title()  # Frames are taken in while the page is asked for something.
            events = [event.id for event in house.events(console.session_id)]
            return frames.sockets >= 3 and frames.events() == events

        eventually(has_come_back, 20, "every event has come once")
        console.end()
        # Whoever hangs up does not wait for the last ones for ever.
        seen = frames.events()
        assert seen == [event.id for event in house.events(console.session_id)][: len(seen)]
        assert console.line("agent", "Saturday").count() == 1


def test_agent_when_it_is_killed_then_the_page_says_so_and_the_next_one_is_heard(
    console: Console, house: House
) -> None:
    models = house.settings.inference_url
    console.ears.wait_for_speech()
    expect(console.agent).to_have_attribute("data-state", "listening")
    os.kill(house.agent_pid(console.session_id), signal.SIGKILL)
    console.has_been("recovering")
    expect(console.line("note", "Another agent has taken over.")).to_be_visible()
    console.is_live()
    since = console.ears.position
    console.write(SHOP)
    console.answers("Maple Street")
    console.ears.wait_for_words(models, "springfield", since)
    assert house.show(console.session_id)["generation"] == 2


def test_agent_when_it_is_killed_while_the_caller_is_muted_then_the_next_one_hears_nothing_either(
    console: Console, house: House
) -> None:
    mute = console.page.get_by_role("button", name="Mute")
    mute.click()
    expect(console.status).to_contain_text("You are muted")
    eventually(lambda: not house.show(console.session_id)["config"]["listening"], 20)
    before = console.page.evaluate_handle("testEars.connection")
    os.kill(house.agent_pid(console.session_id), signal.SIGKILL)
    expect(console.line("note", "Another agent has taken over.")).to_be_visible()
    console.page.wait_for_function("before => testEars.connection !== before", arg=before)
    expect(console.status).to_contain_text("You are muted")
    expect(mute).to_have_attribute("aria-pressed", "true")
    sent = "testEars.connection.getSenders()[0].track"
    assert console.page.evaluate(f"[{sent} === testMicrophone, {sent}.enabled]") == [True, False]
    shown = house.show(console.session_id)
    assert (shown["generation"], shown["config"]["listening"]) == (2, False)


def test_network_when_it_changes_then_sound_finds_another_way_on_the_same_connection(
    visits: Visits, house: House
) -> None:
    page = visits(f"{house.url}/")

    def as_a_proxy(route: Route) -> None:
        answer = route.fetch()
        # It has a prefix, and the house does not know of it.
        route.fulfill(response=answer, headers={**answer.headers, "location": "/elsewhere"})

    page.route("**/whip", as_a_proxy)
    console = Console(page)
    console.call()
    console.ears.wait_for_speech()
    ways = page.evaluate(_WAYS)

    def is_restart(answer: Response) -> bool:
        asked = answer.request
        return (asked.method, asked.headers.get("if-match")) == ("PATCH", "*")

    with page.expect_response(is_restart) as restarting:
        page.evaluate(_LOSE_THE_NETWORK)
        console.has_been("reconnecting")
    answer = restarting.value
    assert (answer.status, answer.url) == (200, f"{house.url}/whip/{console.session_id}")
    eventually(lambda: page.evaluate(_WAYS) > ways, 20, "there is another way")
    page.evaluate("testFound()")
    console.is_live()
    since = console.ears.position
    console.write(SHOP)
    console.answers("Maple Street")
    console.ears.wait_for_words(house.settings.inference_url, "springfield", since)
    assert page.evaluate("testEars.connection === testLost")


def test_end_when_pressed_then_nothing_of_the_call_is_left(visits: Visits, house: House) -> None:
    console = Console(visits(f"{house.url}/"))
    console.call()
    session_id = console.session_id
    console.end()
    expect(console.page.locator("#ended-text")).to_have_attribute("data-reason", "ended_by_api")
    expect(console.page.get_by_role("button", name="New call")).to_be_visible()
    assert house.wait_for_state(session_id, "ended")["reason"] == "ended_by_api"
    aside(house.assert_nothing_is_left)


def test_page_when_it_is_left_in_a_call_then_the_session_ends(visits: Visits, house: House) -> None:
    console = Console(visits(f"{house.url}/"))
    console.call()
    session_id = console.session_id
    console.page.goto("about:blank")
    # Not by the patience with callers who vanish, which would be `user_left`.
    assert house.wait_for_state(session_id, "ended")["reason"] == "ended_by_api"


def test_call_when_no_agent_is_there_then_the_page_says_when_to_try_again(
    visits: Visits, web: Web
) -> None:
    visits.excuse("503")
    console = Console(visits(f"{web.url}/"))
    console.ask_for_a_call()
    problem = console.page.get_by_role("alert").filter(has_text="No session worker")
    expect(problem).to_contain_text(re.compile("Try again in [0-9]+ s"))
    expect(console.page.get_by_role("button", name="Call", exact=True)).to_be_visible()


def test_call_when_the_house_cannot_be_reached_then_the_page_says_so(
    visits: Visits, web: Web
) -> None:
    visits.excuse(CUT)
    with line_to(web.settings.port) as line:
        console = Console(visits(f"{line.url}/"))
        expect(console.page.get_by_label("Opening line")).to_be_visible()
        with line.away():
            console.ask_for_a_call()
            expect(console.page.get_by_role("alert")).to_contain_text("cannot be reached")


def test_page_when_in_production_then_asks_for_a_key_and_keeps_it_in_its_tab(
    visits: Visits, serve_web: ServeWeb, production: Settings, make_key: MakeKey
) -> None:
    visits.excuse("401")
    secret = make_key()
    with serve_web(
        mode="production",
        livekit_api_secret=LIVEKIT_SECRET,
        database_url=production.database_url,
    ) as web:
        page = visits(f"{web.url}/")
        for key in ("sb_wrong", secret):
            page.get_by_label("API key").fill(key)
            page.get_by_role("button", name="Continue").click()
            expect(page.locator("#problem")).to_be_visible(visible=key != secret)
        page.get_by_role("button", name="Write instead").click()
        Console(page).is_live()
        page.reload()
        expect(page.get_by_role("button", name="Write instead")).to_be_visible()
        assert page.context.cookies() == []
        assert secret not in page.url
        assert page.evaluate("localStorage.length") == 0
