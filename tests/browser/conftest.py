"""What every test with a browser finds: a house in which nobody is calling, if it asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from sessions.fleet import Fleet, WorkerRecord
from sessions.settings import Settings
from sessions.store import SessionStore
from tests.fixtures.browser import Visits
from tests.fixtures.house import House
from tests.fixtures.http import make_key, production
from tests.support.console_page import Console

__all__ = ["make_key", "production"]

PATIENCE_SECONDS = 600


@pytest.fixture
def alive_worker(
    alive_worker: WorkerRecord, store: SessionStore, settings: Settings
) -> WorkerRecord:
    """A worker that counts as alive for as long as browsers may take on a busy machine."""
    patient = settings.model_copy(update={"worker_lost_seconds": PATIENCE_SECONDS})
    record = replace(alive_worker, heartbeat=store.now() + PATIENCE_SECONDS * 1000)
    Fleet(store.redis, patient).report(record)
    return record


@pytest.fixture
def console(visits: Visits, house: House) -> Console:
    """A console in a call, whose agent has said hello."""
    console = Console(visits(f"{house.url}/"))
    console.call()
    expect(console.line("agent", "Hello")).to_be_visible()
    return console


@pytest.fixture(autouse=True)
def an_empty_house(request: pytest.FixtureRequest) -> Iterator[None]:
    """Begin with an empty Redis, and end what a test has left, which is not the next one's."""
    request.getfixturevalue("redis")
    if "house" not in request.fixturenames:
        yield
        return
    house: House = request.getfixturevalue("house")
    yield
    house.end_all()
