"""LiveKit's own client joins with a session's token, in a browser, and talks with its agent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.fixtures.browser import Visits
from tests.fixtures.house import House
from tests.support.eventually import eventually
from tests.support.page_ears import PageEars
from tests.support.static_site import site_of

PAGE = b"""<!doctype html><html lang="en"><title>An app of somebody</title>
<link rel="icon" href="data:,"><script src="client.js"></script>"""
JOIN = """async ({serverUrl, token}) => {
    window.room = new LivekitClient.Room();
    window.written = [];
    room.on('trackSubscribed', (track) => track.attach());
    room.registerTextStreamHandler('lk.transcription', async (reader) => {
        written.push(await reader.readAll());
    });
    await room.connect(serverUrl, token);
    await room.localParticipant.setMicrophoneEnabled(true);
}"""


@pytest.fixture
def app(visits: Visits, house: House, node_packages: Path) -> Iterator[Page]:
    """The page of an app that has livekit-client."""
    client = (node_packages / "livekit-client/dist/livekit-client.umd.js").read_bytes()
    files = {"/": ("text/html", PAGE), "/client.js": ("text/javascript", client)}
    with site_of(files) as url:
        page = visits.visitor(url, house.settings.livekit_url)
        page.goto(f"{url}/")
        yield page


def test_livekit_client_when_it_joins_by_token_then_asks_and_hears_and_reads_the_answer(
    app: Page, visits: Visits, house: House
) -> None:
    models = house.settings.inference_url
    visits.microphone.says(models, "Where is your shop?", after=2)
    started = house.start(openingLine="Hello.")
    app.evaluate(JOIN, started)
    PageEars(app).wait_for_words(models, "springfield")
    eventually(lambda: "Maple Street" in str(app.evaluate("written")), 20, "the answer is read")
    said = [
        event.data for event in house.events(started["sessionId"]) if event.type == "transcript"
    ]
    assert any(one["speaker"] == "caller" and "shop" in one["text"] for one in said)
