"""Can everybody use a page? axe-core looks for what it can see by itself."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, ViewportSize

from tests.support.processes import ROOT

AXE = ROOT / "tests/browser/node_modules/axe-core/axe.min.js"
DESK = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=375, height=667)
_GRAVE = ("serious", "critical")
_PLACES_SHOWN = 3


def assert_presentable(page: Page) -> None:
    """Nothing that axe finds, and nothing beside the screen: on a phone too, light and dark."""
    before = page.viewport_size or DESK
    for size in (PHONE, before):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="dark")
        assert_accessible(page)
        page.emulate_media(color_scheme="light")
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), size


def assert_accessible(page: Page) -> None:
    """Fail with every serious or critical fault of a page as it is shown now."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    faults = [_in_words(one) for one in found["violations"] if one["impact"] in _GRAVE]
    assert not faults, "\n".join(faults)


def _in_words(violation: dict[str, Any]) -> str:
    nodes = violation["nodes"][:_PLACES_SHOWN]
    places = "; ".join(f"{node['html']} {node['failureSummary']}" for node in nodes)
    return f"{violation['impact']}: {violation['help']}: {places}"
