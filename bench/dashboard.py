"""How soon does an operator see what happens, and what does the page take, with 2,000 live calls?

Run: ``python -m bench.dashboard`` with less of everything, to see that it works.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import CDPSession, Page

from bench.busy_house import fill, keep_busy
from bench.measuring import Goal, Row, median, percentile
from bench.web_house import web_house
from tests.fixtures.house import House
from tests.support.chromium import chromium

CALLS = 2000
CHANGES_A_SECOND = 200
SECONDS = 600
_LOOK_SECONDS = 30
_FRAME_SECONDS = 10
_PATIENCE_MS = 60_000
HOW = (
    f"A web front and a Redis of their own, {CALLS} live calls in it, {CHANGES_A_SECOND} changes a "
    f"second for {SECONDS} s (words, and two calls a second that come and go), and the dashboard "
    "open in Debian's Chromium without a GPU, sorted by user. Ten calls at the top say the moment "
    "at which they spoke: from just before `emit` to the frame after the row has that text, by "
    "the one clock of the machine. Frames are the distances between animation frames. The heap is "
    f"that of JavaScript after a forced collection every {_LOOK_SECONDS} s; it grows by what the "
    "median of the last third is above that of the first."
)
# Counted by the millisecond and outside of the heap, which must not grow by what is measured.
_WATCH = """() => {
    window.latencies = new Uint32Array(5001);
    let last = 0;
    new MutationObserver((changes) => {
        const said = changes.filter(({ target }) => target.tagName === 'SPAN')
            .map(({ target }) => Number(/^at=(\\d+)$/.exec(target.textContent)?.[1]))
            .filter((at) => at > last);
        last = Math.max(last, ...said);
        requestAnimationFrame(() => {
            const now = Date.now();
            for (const at of said) latencies[Math.min(5000, Math.max(0, now - at))] += 1;
        });
    }).observe(document.querySelector('#calls-table tbody'), { childList: true, subtree: true });
}"""
_FRAMES = """(ms) => new Promise((resolve) => {
    const frames = [];
    const until = performance.now() + ms;
    let before = performance.now();
    const next = (now) => {
        frames.push(now - before);
        before = now;
        if (now < until) requestAnimationFrame(next);
        else resolve(frames);
    };
    requestAnimationFrame(next);
})"""


@dataclass(frozen=True)
class Figures:
    """What one run has shown; times in milliseconds, memory in MB."""

    latencies: list[float]
    frames: list[float]
    heaps: list[float]
    rows_in_document: int
    web_share: float

    @property
    def growth(self) -> float:
        """Return by how many percent the heap has grown."""
        third = max(1, len(self.heaps) // 3)
        return 100 * (median(self.heaps[-third:]) / median(self.heaps[:third]) - 1)


def measure(house: House) -> list[Row]:
    """Measure beside the house, which has nothing to do meanwhile."""
    return rows_of(watch(CALLS, CHANGES_A_SECOND, SECONDS, _LOOK_SECONDS))


def rows_of(found: Figures) -> list[Row]:
    """Return the figures as lines of the table."""
    name = "dashboard, update to paint"
    return [
        Row(f"{name}, p50", "ms", median(found.latencies), goal=Goal(at_most=200)),
        Row(f"{name}, p95", "ms", percentile(found.latencies, 95), goal=Goal(at_most=200)),
        Row("dashboard, heap grows by", "%", found.growth, goal=Goal(at_most=5)),
        Row("dashboard, heap", "MB", found.heaps[-1]),
        Row("dashboard, frame, p50", "ms", median(found.frames)),
        Row("dashboard, frame, p95", "ms", percentile(found.frames, 95)),
        Row("dashboard, rows in the document", "rows", found.rows_in_document),
        Row("web process meanwhile", "% of a core", found.web_share * 100),
    ]


def watch(calls: int, rate: int, seconds: float, look_seconds: float) -> Figures:
    """Open the dashboard of a busy house and look at it for so long."""
    with web_house() as (settings, worker), chromium(Path("/dev/null")) as browser:
        ids = fill(settings, calls)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"http://127.0.0.1:{settings.port}/dashboard")
        page.wait_for_selector(f"[aria-rowcount='{calls + 1}']", timeout=_PATIENCE_MS)
        page.click("#calls-head .col-user button")
        page.wait_for_selector(f"#row-{ids[0]}")
        page.evaluate(_WATCH)
        writer = multiprocessing.get_context("spawn").Process(
            target=keep_busy, args=(settings, ids, rate, seconds), daemon=True
        )
        before, began = _cpu_seconds(worker), time.monotonic()
        writer.start()
        heaps = _heaps(page, seconds - _FRAME_SECONDS, look_seconds)
        frames: list[float] = page.evaluate(_FRAMES, _FRAME_SECONDS * 1000)
        writer.join()
        return Figures(
            latencies=_spread(page.evaluate("[...latencies]")),
            frames=frames,
            heaps=heaps,
            rows_in_document=page.locator("#calls-table tbody tr[role=row]").count(),
            web_share=(_cpu_seconds(worker) - before) / (time.monotonic() - began),
        )


def _heaps(page: Page, seconds: float, look_seconds: float) -> list[float]:
    """Return what the page keeps, looked at again and again for so long."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    until, heaps = time.monotonic() + seconds, list[float]()
    while time.monotonic() < until:
        page.wait_for_timeout(min(look_seconds, until - time.monotonic()) * 1000)
        heaps.append(_heap(session))
    return heaps


def _heap(session: CDPSession) -> float:
    session.send("HeapProfiler.collectGarbage")
    metrics: list[dict[str, Any]] = session.send("Performance.getMetrics")["metrics"]
    return next(one["value"] for one in metrics if one["name"] == "JSHeapUsedSize") / 1e6


def _spread(counts: list[int]) -> list[float]:
    """Return every value that was counted."""
    return [float(ms) for ms, count in enumerate(counts) for _ in range(count)]


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def main() -> None:
    """Measure as the command line says, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--rate", type=int, default=50, help="changes a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--look", type=float, default=5, help="seconds from heap to heap")
    given = parser.parse_args()
    found = watch(given.calls, given.rate, given.seconds, given.look)
    for row in rows_of(found):
        print("  ".join(row.cells()))
    print(f"{len(found.latencies)} updates; heap in MB:", *(f"{one:.2f}" for one in found.heaps))


if __name__ == "__main__":
    main()
