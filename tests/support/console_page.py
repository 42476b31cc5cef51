"""What does somebody do with the console, and what do they see?"""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.support.eventually import eventually
from tests.support.page_ears import PageEars

_KEEP_MICROPHONES = """() => {
    const devices = navigator.mediaDevices;
    const open = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (wish) => {
        const stream = await open(wish);
        window.testMicrophone = stream.getAudioTracks()[0];
        return stream;
    };
}"""
_KEEP_STATES = """() => {
    window.testStates = [];
    const keep = (changes) => testStates.push(...changes.map(({target}) => target.dataset.state));
    const watch = new MutationObserver(keep);
    for (const id of ["status", "agent"]) {
        watch.observe(document.getElementById(id), {attributeFilter: ["data-state"]});
    }
}"""


@dataclass(frozen=True)
class Console:
    """A console in a browser."""

    page: Page

    @property
    def ears(self) -> PageEars:
        return PageEars(self.page)

    @property
    def status(self) -> Locator:
        return self.page.locator("#status")

    @property
    def agent(self) -> Locator:
        return self.page.locator("#agent")

    @property
    def session_id(self) -> str:
        """Return the id that the page shows, once it does."""
        expect(self.page.locator("#session-id")).to_contain_text("session_")
        return self.page.locator("#session-id").inner_text()

    def call(self, **wish: str) -> None:
        """Ask for a call, and wait until it is connected."""
        self.ask_for_a_call(**wish)
        self.is_live()

    def ask_for_a_call(self, opening_line: str = "Hello.", voice: str = "") -> None:
        """Fill in the form, and press Call."""
        self.page.get_by_label("Opening line").fill(opening_line)
        if voice:
            self.page.get_by_role("radio", name=voice).check()
        self.page.evaluate(_KEEP_MICROPHONES)
        # States can be over before anybody has looked.
        self.page.evaluate(_KEEP_STATES)
        self.page.get_by_role("button", name="Call", exact=True).click()

    def change_microphone(self) -> None:
        """Pull the microphone out, so that the page opens another one, which begins anew.

        What it says is not said before, be the page however late: into the opening line, say.
        """
        before = self.page.evaluate_handle("testMicrophone")
        self.page.evaluate("testMicrophone.dispatchEvent(new Event('ended'))")
        self.page.wait_for_function("before => testMicrophone !== before", arg=before)

    def is_live(self) -> None:
        """Wait until both sides can talk."""
        expect(self.status).to_have_attribute("data-state", "live")

    def has_been(self, state: str) -> None:
        """Wait until the call or its agent has been in a state, be it for a moment."""
        states: list[str] = []

        def seen() -> bool:
            states[:] = self.page.evaluate("testStates")
            return state in states

        eventually(seen, 20, f"the status has been {state}")

    def answers(self, text: str) -> Locator:
        """Return the answer in which ``text`` is, once it is there, with what stands below it."""
        expect(self.line("agent", text)).to_be_visible()
        return self.line("agent", text)

    def write(self, text: str) -> None:
        """Write to the agent."""
        self.page.get_by_label("Write to the agent").fill(text)
        self.page.keyboard.press("Enter")

    def lines(self, speaker: str) -> Locator:
        """Return what one side has said: `caller`, `agent`, or `note` for the page's own."""
        return self.page.locator(f"#transcript li[data-speaker={speaker}]")

    def line(self, speaker: str, text: str) -> Locator:
        """Return the finished line of one side in which ``text`` is."""
        finished = self.page.locator(
            f"#transcript li[data-speaker={speaker}][data-state=final]", has_text=text
        )
        return finished.last

    def end(self) -> None:
        """Hang up, and wait until the page says that it is over."""
        self.page.get_by_role("button", name="End", exact=True).click()
        expect(self.page.locator("#ended-text")).to_be_visible()
