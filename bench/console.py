"""How long until somebody sees the console, and how much do they fetch for it?"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Request

from bench.measuring import Goal, Row, median, percentile
from tests.fixtures.house import House
from tests.support.chromium import chromium

ROUNDS = 20
HOW = (
    f"A browser opens `/` {ROUNDS} times on loopback, each time as a visitor who has nothing of it "
    "yet. First paint is the browser's own first contentful paint, from the start of the "
    "navigation; the form is there when a voice can be picked. The weight is that of every "
    "response, heads and bodies, until then."
)

_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


@dataclass
class _Visit:
    """What one visitor has met; milliseconds and bytes."""

    painted: float = 0.0
    usable: float = 0.0
    requests: list[Request] = field(default_factory=list[Request])
    weight: int = 0

    def keep(self, request: Request) -> None:
        self.requests.append(request)


def measure(house: House) -> list[Row]:
    """Open the page as one new visitor after another."""
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder) / "none.wav") as browser:
        _visit(browser, house.url)
        visits = [_visit(browser, house.url) for _ in range(ROUNDS)]
    painted = [visit.painted for visit in visits]
    usable = [visit.usable for visit in visits]
    weight = max(visit.weight for visit in visits) / 1000
    return [
        Row("console: first paint, p50", "ms", median(painted), goal=Goal(at_most=300)),
        Row("console: first paint, p95", "ms", percentile(painted, 95)),
        Row("console: the form is there, p50", "ms", median(usable)),
        Row("console: weight of the page", "kB", weight, goal=Goal(at_most=100)),
        Row("console: requests for the page", "", len(visits[0].requests)),
    ]


def _visit(browser: Browser, url: str) -> _Visit:
    visit = _Visit()
    context = browser.new_context()
    context.on("requestfinished", visit.keep)
    page = context.new_page()
    started = time.perf_counter()
    page.goto(f"{url}/")
    page.get_by_role("radio").first.wait_for()
    visit.usable = (time.perf_counter() - started) * 1000
    page.wait_for_load_state("networkidle")
    visit.painted = page.wait_for_function(_PAINTED).json_value()
    sizes = [request.sizes() for request in visit.requests]
    visit.weight = sum(one["responseHeadersSize"] + one["responseBodySize"] for one in sizes)
    context.close()
    return visit
