"""Can everybody use a page? axe-core looks for what it can see by itself."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.support.processes import ROOT

AXE = ROOT / "tests/browser/node_modules/axe-core/axe.min.js"
_GRAVE = ("serious", "critical")
_PLACES_SHOWN = 3


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
