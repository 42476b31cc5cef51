"""What comes late, twice or wrongly: the console copes. What its parts meet is made up."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from tests.fixtures.browser import Visits
from tests.fixtures.web import Web

_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
_SOUND = """async (play) => {
    const { Sound } = await import('/console/sound.js');
    const told = [];
    let made = 0;
    globalThis.RTCPeerConnection = class {
        constructor() { made += 1; }
        addTransceiver() { return { sender: {} }; }
        setLocalDescription() { return Promise.reject(new DOMException('No.', 'OperationError')); }
        close() {}
    };
    const track = new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0];
    const sound = new Sound('session_1_a', 'token', track, {
        onSound() {}, onState: (state, problem) => told.push([state, problem?.code]),
    });
    if (play === 'stopped') sound.stop();
    sound.ready(1);
    await new Promise((done) => setTimeout(done, 300));
    sound.stop();
    return { made, told };
}"""
_EARS = """async (play) => {
    const { Ears } = await import('/console/microphone.js');
    const tracks = [], used = [];
    let deny;
    navigator.mediaDevices.getUserMedia = () => new Promise((give, refuse) => {
        deny = () => refuse(new DOMException('No.', 'NotAllowedError'));
        if (play === 'denied late') return;
        const track = { live: true, stop() { this.live = false; } };
        tracks.push(track);
        give({ getAudioTracks: () => [track] });
    });
    const onTrack = (track) => used.push(track);
    const ears = new Ears(new AudioContext(), { onTrack, onChange() {} });
    const opening = ears.open();
    if (play === 'opened twice') await Promise.all([opening, ears.open()]);
    ears.close();
    deny();
    await opening;
    return { live: tracks.filter(({ live }) => live).length, used: used.length };
}"""
_MUTE = """async (muted) => {
    const { Call } = await import('/console/call.js');
    const call = new Call({ channel: 'voice' }, '', null, { change() {} });
    call.ears.track = { enabled: muted };
    Object.assign(call, { id: 'session_1_a', token: 'token' });
    globalThis.fetch = () => Promise.reject(new TypeError('No network.'));
    const code = await call.mute(muted).then(() => '', (problem) => problem.code);
    return { code, muted: call.state.muted, enabled: call.ears.track.enabled };
}"""


def opened(visits: Visits, web: Web) -> Page:
    page = visits(f"{web.url}/")
    expect(page.get_by_role("button", name="Write instead")).to_be_visible()
    return page


def test_call_when_one_that_was_given_up_is_refused_late_then_the_next_goes_on(
    visits: Visits, web: Web
) -> None:
    visits.excuse("503")
    page = opened(visits, web)
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    page.route("**/session/start", hold)
    with page.expect_request("**/session/start"):
        page.get_by_role("button", name="Write instead").click()
    page.get_by_role("button", name="End", exact=True).click()
    page.get_by_role("button", name="New call").click()
    page.get_by_role("button", name="Write instead").click()
    with page.expect_response("**/session/start"):
        asked[0].fulfill(status=503, json={"detail": "Nobody is there."})
    page.evaluate(_FRAMES)
    expect(page.get_by_role("alert").filter(has_text="Nobody is there.")).to_have_count(0)
    page.get_by_role("button", name="End", exact=True).click()
    expect(page.locator("#ended-text")).to_contain_text("You hung up.")


def test_page_when_the_house_is_away_at_first_then_says_so_and_goes_on_when_it_is_back(
    visits: Visits, web: Web
) -> None:
    visits.excuse("ERR_")
    page = visits.visitor(web.url)
    page.route("**/console/door", lambda route: route.abort())
    page.goto(f"{web.url}/")
    problem = page.get_by_role("alert").filter(has_text="cannot be reached")
    expect(problem).to_be_visible()
    page.unroute("**/console/door")
    expect(page.get_by_role("button", name="Call", exact=True)).to_be_visible()
    expect(problem).to_be_hidden()


def test_sound_when_an_agent_is_ready_after_the_end_then_nothing_is_offered(
    visits: Visits, web: Web
) -> None:
    assert opened(visits, web).evaluate(_SOUND, "stopped") == {"made": 0, "told": []}


def test_sound_when_the_browser_refuses_then_it_is_tried_again_at_a_measured_pace(
    visits: Visits, web: Web
) -> None:
    found = opened(visits, web).evaluate(_SOUND, "refused")
    assert found["made"] <= 3
    assert ["waiting", "webrtc"] in found["told"]
    # It is told once what is being done, and not with each try.
    assert [state for state, _ in found["told"]].count("connecting") == 1


def test_microphone_when_it_is_denied_after_the_end_then_nothing_takes_its_place(
    visits: Visits, web: Web
) -> None:
    assert opened(visits, web).evaluate(_EARS, "denied late") == {"live": 0, "used": 0}


def test_microphone_when_it_is_opened_twice_then_none_is_left_open(
    visits: Visits, web: Web
) -> None:
    assert opened(visits, web).evaluate(_EARS, "opened twice") == {"live": 0, "used": 2}


def test_mute_when_the_house_does_not_hear_of_it_then_the_caller_stays_muted(
    visits: Visits, web: Web
) -> None:
    page = opened(visits, web)
    for muted in (True, False):
        found = page.evaluate(_MUTE, muted)
        assert found == {"code": "unreachable", "muted": True, "enabled": False}


def test_key_when_it_has_letters_that_no_key_has_then_the_form_says_so(
    visits: Visits, web: Web
) -> None:
    visits.excuse("401")
    page = visits.visitor(web.url)
    page.route("**/console/door", lambda route: route.fulfill(json={"needsKey": True}))
    page.goto(f"{web.url}/")
    field = page.get_by_label("API key")
    field.fill("sb_…")
    page.get_by_role("button", name="Continue").click()
    assert field.evaluate("(field) => field.validity.patternMismatch")
    field.fill(" sb_abc-1 ")
    with page.expect_request("**/orchestrator/voices") as asking:
        page.get_by_role("button", name="Continue").click()
    assert asking.value.header_value("authorization") == "Bearer sb_abc-1"
    expect(page.get_by_role("heading", level=1)).to_be_focused()
